/** A request's body, read in istiod's way: to the end or to the limit, whatever its content type says. */
import type { IncomingMessage } from 'node:http'

/** istiod: twice the 3 MiB of the API server's largest request. Exactly that many bytes are accepted. */
export const MAX_BODY_BYTES = 6 * 1024 * 1024

export type BodyRead =
  | { readonly kind: 'complete'; readonly bytes: Buffer }
  | { readonly kind: 'tooLarge' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'broken'; readonly message: string }

const EMPTY = Buffer.alloc(0)

/**
 * Calls `done` once, with all bytes or with the reason why there are not. After `tooLarge` the rest is discarded
 * as it arrives, so that a caller who first writes everything still gets to read our answer.
 */
export function readBody(source: IncomingMessage, timeoutMs: number, done: (read: BodyRead) => void): void {
  const chunks: Buffer[] = []
  let size = 0
  const timer = setTimeout(() => settle({ kind: 'timeout' }), timeoutMs)
  const settle = (read: BodyRead): void => {
    clearTimeout(timer)
    source.off('data', take).off('end', finish).off('close', lose)
    source.resume()
    done(read)
  }
  const take = (chunk: Buffer): void => {
    size += chunk.length
    if (size > MAX_BODY_BYTES) settle({ kind: 'tooLarge' })
    else chunks.push(chunk)
  }
  const finish = (): void => settle({ kind: 'complete', bytes: join(chunks) })
  const lose = (): void => settle({ kind: 'broken', message: 'unexpected EOF' })
  source.on('data', take).on('end', finish).on('close', lose)
  // A caller that goes away is reported by `close`; without a listener Node would throw the error instead.
  source.on('error', ignore)
}

function join(chunks: readonly Buffer[]): Buffer {
  if (chunks.length > 1) return Buffer.concat(chunks)
  return chunks[0] ?? EMPTY
}

function ignore(): void {}
