/** Bounds the age of connections: callers come back on new ones, to replicas that were added since, under newer certificates. */
import type { Socket } from 'node:net'

export interface AgeLimitOptions {
  /** Counted from the first request, milliseconds. */
  readonly maxMs: number
  /** Monotonic milliseconds. @default performance.now */
  readonly nowMs?: () => number
}

/** Each connection's limit is up to this share longer or shorter, so that those of one moment do not all end in another. */
const JITTER_SHARE = 0.1

/** Says of a connection with a request on it whether this request should be its last. */
export function createAgeLimit({
  maxMs,
  nowMs = () => performance.now(),
}: AgeLimitOptions): (socket: Socket) => boolean {
  const dueMs = new WeakMap<Socket, number>()
  return (socket) => {
    const due = dueMs.get(socket)
    if (due !== undefined) return nowMs() >= due
    dueMs.set(socket, nowMs() + maxMs * (1 + JITTER_SHARE * (2 * Math.random() - 1)))
    return false
  }
}
