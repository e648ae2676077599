/** A bound on how much happens at the same time: whoever comes later waits in line. */

export interface Slots {
  /** Resolves when a slot is free, and takes it. @throws when the signal aborts first */
  take(signal: AbortSignal): Promise<void>
  give(): void
}

/** `count` slots, given in the order in which they were asked for. */
export function createSlots(count: number): Slots {
  let free = count
  const line: (() => void)[] = []
  return {
    take: (signal) => {
      signal.throwIfAborted()
      if (free > 0) {
        free--
        return Promise.resolve()
      }
      return new Promise((resolve, reject) => {
        const enter = (): void => {
          signal.removeEventListener('abort', leave)
          resolve()
        }
        const leave = (): void => {
          line.splice(line.indexOf(enter), 1)
          reject(signal.reason as Error)
        }
        line.push(enter)
        signal.addEventListener('abort', leave, { once: true })
      })
    },
    give: () => {
      const next = line.shift()
      if (next === undefined) free++
      else next()
    },
  }
}
