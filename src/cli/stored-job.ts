// Finds the job that a user means among those of the state folder.
import { MigrationError } from "../errors.ts";
import type { JobStatus } from "../journal/status.ts";
import { countOf } from "../report/quantities.ts";
import { shortId } from "../report/status.ts";

/** The job whose id begins so. Throws JOB_UNKNOWN where it is none, or more than one. */
export function jobById(jobs: readonly JobStatus[], id: string, dir: string): JobStatus {
  const meant = /^[0-9a-f]+$/i.test(id) ? jobs.filter((job) => job.id.startsWith(id.toLowerCase())) : [];
  const [first, ...others] = meant;
  if (first === undefined) {
    throw new MigrationError("JOB_UNKNOWN", `the state folder ${dir} has no job ${JSON.stringify(id)}`, {
      hint: "mlferry status lists them; --state names another folder",
    });
  }
  if (others.length === 0) return first;
  const ids = meant.slice(0, 5).map((job) => job.id);
  throw new MigrationError("JOB_UNKNOWN", `${JSON.stringify(id)} is the beginning of ${countOf(meant.length, "job")}`, {
    hint: `give more digits: ${ids.join(", ")}${meant.length > ids.length ? " …" : ""}`,
  });
}

/** The job that goes on where it was: the one that is asked for, or the newest that was cut off or had failures. */
export function jobToResume(jobs: readonly JobStatus[], id: string | undefined, dir: string): JobStatus {
  const job = id === undefined ? jobs.find(isLeft) : jobById(jobs, id, dir);
  if (job === undefined) throw nothingToResume(jobs, dir);
  if (job.condition === "running") {
    const holder = job.pid === undefined ? "another process" : `process ${String(job.pid)}`;
    throw new MigrationError("NOT_SUPPORTED", `job ${shortId(job.id)} is being worked on by ${holder} (${job.command})`, {
      hint: "wait until it ends, or stop it",
    });
  }
  if (job.condition === "complete") {
    throw new MigrationError("JOB_UNKNOWN", `job ${shortId(job.id)} is complete: there is nothing to resume`, {
      hint: `what has come since is moved by: ${job.command}`,
    });
  }
  return job;
}

function isLeft({ condition }: JobStatus): boolean {
  return condition === "unfinished" || condition === "partial";
}

function nothingToResume(jobs: readonly JobStatus[], dir: string): MigrationError {
  const running = jobs.filter(({ condition }) => condition === "running").length;
  const why = running === 0 ? "" : `; ${countOf(running, "job is", "jobs are")} at work`;
  return new MigrationError("JOB_UNKNOWN", `there is nothing to resume in the state folder ${dir}${why}`, {
    hint: "mlferry status lists the jobs; --state names another folder",
  });
}
