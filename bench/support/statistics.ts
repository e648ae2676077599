/** Medians, quantiles and spread of samples. */

/** The `q` quantile (0..1) of ascending samples. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

export const median = (samples: readonly number[]): number =>
  quantile(
    [...samples].sort((a, b) => a - b),
    0.5,
  )

/** Half the distance between the extreme samples, as a share of the median. */
export function spread(samples: readonly number[]): number {
  return (Math.max(...samples) - Math.min(...samples)) / 2 / median(samples)
}

/** CPU time after which V8 has compiled what it runs often: a server is past it within its first minutes. */
const WARM_UP_MS = 3000

/** Median milliseconds of CPU time of one call of `run`: `rounds` samples, each long enough to be timed (at least 100 ms). */
export function timeCpuMs(run: () => void, rounds = 7): { medianMs: number; spread: number } {
  let calls = 1
  for (let usedMs = 0; usedMs < WARM_UP_MS;) usedMs += cpuMsOf(run, 10)
  while (cpuMsOf(run, calls) < 100) calls *= 2
  const samples = Array.from({ length: rounds }, () => cpuMsOf(run, calls) / calls)
  return { medianMs: median(samples), spread: spread(samples) }
}

/** Milliseconds of CPU time of so many calls; it does not grow with what else the machine does, as elapsed time would. */
export function cpuMsOf(run: () => void, calls: number): number {
  const before = process.cpuUsage()
  for (let n = 0; n < calls; n++) run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
