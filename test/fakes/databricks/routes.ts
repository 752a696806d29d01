// How a route of the fake is written: a pattern over `METHOD /path`, and what it does.
import type { Call, Json, Reply } from "./answer.ts";
import type { State } from "./state.ts";

export type Routes = readonly (readonly [pattern: RegExp, handle: (state: State, call: Call) => Json | Reply])[];
