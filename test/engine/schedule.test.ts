import { expect, it } from "vitest";
import { createPipes } from "../../src/engine/schedule.ts";

/** Lets everything happen that needs no timer. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("begins as many transfers as there is room for at the time, and lets those end that had begun before it shrank", async () => {
  let room = 3;
  const pipe = createPipes(() => room);
  const ends: (() => void)[] = [];
  const transfers = Array.from({ length: 8 }, () => pipe(() => new Promise<void>((resolve) => void ends.push(resolve))));
  await settle();
  expect(ends).toHaveLength(3);
  room = 1;
  ends[0]?.();
  await settle();
  expect(ends).toHaveLength(3);
  ends[1]?.();
  ends[2]?.();
  await settle();
  expect(ends).toHaveLength(4);
  room = 4;
  ends[3]?.();
  await settle();
  expect(ends).toHaveLength(8);
  for (const end of ends) end();
  await Promise.all(transfers);
});

it("begins a transfer even where there is said to be room for none", async () => {
  const pipe = createPipes(() => 0);
  await expect(Promise.all([pipe(async () => "a"), pipe(async () => "b")])).resolves.toEqual(["a", "b"]);
});
