/** Does this machine agree with the API server on what time it is? */
import { check } from '../check.ts'

const TOLERATED_MS = 300_000

export const clock = check({
  name: 'clock',
  reads: ['skewMs'],
  *run({ skewMs }) {
    if (Math.abs(skewMs) <= TOLERATED_MS) return
    const minutes = Math.round(Math.abs(skewMs) / 60_000)
    yield {
      code: 'CLOCK_SKEW',
      subject: 'this machine',
      message: `the clock is ${minutes} min ${skewMs < 0 ? 'behind' : 'ahead of'} the API server's; times below are the API server's`,
      next: 'timedatectl set-ntp true',
    }
  },
})
