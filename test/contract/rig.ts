// A target on a fake server, with what the tests of its adapter carry to it.
import type { OriginId } from "../../src/model/entities.ts";
import type { Target } from "../../src/ports/target.ts";
import { createFerry } from "./context.ts";
import type { Ferry } from "./context.ts";

export interface Rig<Fake> extends AsyncDisposable {
  readonly fake: Fake;
  readonly target: Target;
  readonly ferry: Ferry;
  /** Another process on the same server, which knows nothing yet. */
  again(): Promise<{ readonly target: Target; readonly ferry: Ferry }>;
}

/** Closing it closes every target, then the fake. */
export async function openRig<Fake extends { close(): Promise<void> }>(fake: Fake, open: () => Promise<Target>): Promise<Rig<Fake>> {
  const opened: Target[] = [];
  const again = async (): Promise<{ target: Target; ferry: Ferry }> => {
    const target = await open();
    opened.push(target);
    return { target, ferry: createFerry(target, "0123456789abcdef0123456789abcdef" as OriginId) };
  };
  return {
    fake,
    ...(await again()),
    again,
    async [Symbol.asyncDispose]() {
      for (const target of opened) await target.close();
      await fake.close();
    },
  };
}
