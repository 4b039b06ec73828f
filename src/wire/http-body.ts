// Follows the body of an HTTP/1.x message through bytes cut anywhere and says how many of them belong to it; the
// bytes themselves are passed on unchanged by whoever asks. Chunked framing is read strictly (RFC 9112 section 7.1):
// a size of plain hexadecimal digits, CRLF only, bounded extensions and trailers, because a server that reads a chunk
// line more generously would find another request inside the body. Pure; memory does not grow with the body.

import type { BodyFraming } from './http.ts';

/** Size, extensions and trailer lines; nobody sends long ones. */
const MAX_LINE = 8 * 1024;
const MAX_TRAILERS = 64 * 1024;
const LF = 10;

export interface BodyStep {
  /** Leading bytes of the chunk that belong to the body and may be passed on. */
  readonly used: number;
  /** `done`: the body ended after them. `broken`: what follows is not a body; stop. */
  readonly state: 'more' | 'done' | 'broken';
}

export interface BodyReader {
  take(chunk: Buffer): BodyStep;
}

export function bodyReader(framing: BodyFraming): BodyReader {
  switch (framing.kind) {
    case 'none':
      return { take: () => ({ used: 0, state: 'done' }) };
    case 'length':
      return lengthReader(framing.length);
    case 'chunked':
      return new ChunkedReader();
    case 'close':
      return { take: chunk => ({ used: chunk.length, state: 'more' }) };
  }
}

function lengthReader(length: number): BodyReader {
  let left = length;
  return {
    take(chunk) {
      const used = Math.min(left, chunk.length);
      left -= used;
      return { used, state: left === 0 ? 'done' : 'more' };
    },
  };
}

class ChunkedReader implements BodyReader {
  #state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' | 'broken' = 'size';
  #line = '';
  #dataLeft = 0;
  #trailerLength = 0;

  take(chunk: Buffer): BodyStep {
    let at = 0;
    while (at < chunk.length && this.#state !== 'done' && this.#state !== 'broken') {
      if (this.#state === 'data') {
        const step = Math.min(this.#dataLeft, chunk.length - at);
        this.#dataLeft -= step;
        at += step;
        if (this.#dataLeft === 0) this.#state = 'data-end';
        continue;
      }
      at = this.#readLine(chunk, at);
    }
    // The bytes of a broken line stay back: the receiver must not see a half of them as something else.
    if (this.#state === 'broken') return { used: 0, state: 'broken' };
    return { used: at, state: this.#state === 'done' ? 'done' : 'more' };
  }

  /** Takes bytes up to and with the next LF. */
  #readLine(chunk: Buffer, at: number): number {
    const lf = chunk.indexOf(LF, at);
    const end = lf < 0 ? chunk.length : lf + 1;
    if (this.#line.length + end - at > MAX_LINE) {
      this.#state = 'broken';
      return at;
    }
    this.#line += chunk.toString('latin1', at, end);
    const cr = this.#line.indexOf('\r');
    // A CR anywhere but right before the final LF, an LF without it.
    if (lf >= 0 ? cr < 0 || cr !== this.#line.length - 2 : cr >= 0 && cr !== this.#line.length - 1) {
      this.#state = 'broken';
      return at;
    }
    if (lf >= 0) {
      const line = this.#line.slice(0, -2);
      this.#line = '';
      this.#state = this.#next(line);
    }
    return end;
  }

  #next(line: string): 'size' | 'data' | 'trailer' | 'done' | 'broken' {
    switch (this.#state) {
      case 'size': {
        const match = /^([0-9a-fA-F]{1,12})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line);
        if (!match) return 'broken';
        this.#dataLeft = Number.parseInt(match[1] ?? '', 16);
        return this.#dataLeft === 0 ? 'trailer' : 'data';
      }
      case 'data-end':
        return line === '' ? 'size' : 'broken';
      case 'trailer':
        if (line === '') return 'done';
        this.#trailerLength += line.length;
        if (this.#trailerLength > MAX_TRAILERS) return 'broken';
        return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/.test(line) ? 'trailer' : 'broken';
      default:
        return 'broken';
    }
  }
}
