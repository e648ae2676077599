// Loaded with --import into a process whose wall clock a test moves: each SIGUSR2 puts it a week forward. Timers go on
// as they did, as they do on a real machine.
const WEEK_MS = 7 * 86_400_000
const RealDate = Date
let aheadMs = 0

globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + aheadMs)
    else super(...args)
  }

  static now() {
    return RealDate.now() + aheadMs
  }
}

process.on('SIGUSR2', () => {
  aheadMs += WEEK_MS
})
