/** How connections to the API server are kept. */

/** A peer that vanished without a word is noticed by the kernel after this. */
const KEEP_ALIVE_MS = 30_000

/** Options of every agent: connections stay open and are used again, the latest first. */
export const AGENT_OPTIONS = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, scheduling: 'lifo' } as const
