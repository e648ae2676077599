/** A bound on how much happens at the same time: whoever comes later waits in line. */

export interface Slots {
  /** Resolves when a slot is free, and takes it. @throws when the signal aborts first */
  take(signal: AbortSignal): Promise<void>
  /** Takes a slot if one is free, and tells whether. */
  takeNow(): boolean
  give(): void
}

/** `count` slots, given in the order in which they were asked for. */
export function createSlots(count: number): Slots {
  let free = count
  const line: (() => void)[] = []
  const takeNow = (): boolean => {
    if (free === 0) return false
    free--
    return true
  }
  return {
    takeNow,
    take: (signal) => {
      signal.throwIfAborted()
      if (takeNow()) return Promise.resolve()
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
