// What a job asks of a place that limits its requests: for a forecast, beforehand.
import type { Entity } from "../model/entities.ts";

/** Numbers of requests, by group of the place's limits. */
export type Requests = Readonly<Record<string, number>>;

/** The least that reading, or writing, the objects of a job takes beside what its plan asks too. */
export interface RequestCosts {
  /** Requests per second that the place is sent at most, by group. */
  readonly rates: Requests;
  /** For one object without its files. How many metric points a run has is not known before they are read: they count as few. */
  object(entity: Entity): Requests;
  /** For the files of one object. */
  files(count: number): Requests;
}
