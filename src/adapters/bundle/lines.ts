// Streams of bytes taken apart into lines, without ever holding more than one line.

export interface Line {
  /** Without the line feed. */
  readonly bytes: Uint8Array;
  /** Of the line's first byte in the stream. */
  readonly position: number;
}

/** Why a stream is not made of lines; `position` is where the line in question begins. */
export class LineError extends Error {
  readonly position: number;
  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

/**
 * The lines of a stream; each must end in a line feed. Throws {@link LineError} on a line longer than `maxBytes` and on a
 * last line that has no end.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Line, void, undefined> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let position = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, end));
      held += end - from;
      if (held > maxBytes) break;
      yield { bytes: parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts), position };
      position += held + 1;
      parts = [];
      held = 0;
      from = end + 1;
    }
    if (from < chunk.length) {
      parts.push(chunk.subarray(from));
      held += chunk.length - from;
    }
    if (held > maxBytes) throw new LineError(`a line is longer than ${maxBytes} bytes`, position);
  }
  if (held > 0) throw new LineError("the last line has no end", position);
}
