/** Runs iptables from a host's file system inside a pod's namespace: a lock of the pod's own, and no name service. */
import type { Log } from '../base/log.ts'
import type { Run } from './run.ts'

/**
 * In a mount namespace of its own: the owner match must not make a half-built pod network ask a name service, and tools
 * older than the variable for their lock use the pod's file too. What cannot be mounted is told, and the tool runs.
 */
const SETUP = [
  'mount -o bind,ro /dev/null /etc/nsswitch.conf || echo "sandbox: name services are not switched off" >&2',
  '[ -z "$XTABLES_LOCKFILE" ] || [ ! -e /run/xtables.lock ] || mount -o bind "$XTABLES_LOCKFILE" /run/xtables.lock',
  'exec "$@"',
].join('\n')

const IPTABLES = /^ip6?tables/

export interface SandboxOptions {
  readonly run: Run
  /** File of the pod's namespace; empty: the tools' own lock. */
  readonly lockFile: string
  readonly path: string
  readonly log: Log
}

/** `run` with iptables in a sandbox; without one, after a warning, where none can be made. Other tools run as they are. */
export function sandboxedRun({ run, lockFile, path, log }: SandboxOptions): Run {
  const env = { PATH: path, ...(lockFile === '' ? {} : { XTABLES_LOCKFILE: lockFile }) }
  return async (file, args, options = {}) => {
    if (!IPTABLES.test(file)) return run(file, args, options)
    const inside = ['--mount', '--propagation', 'private', 'sh', '-c', SETUP, 'sh', file, ...args]
    const done = await run('unshare', inside, { ...options, env })
    if (done.missing || done.stderr.startsWith('unshare:')) {
      log.warn({ reason: done.stderr.trim() }, 'no sandbox can be made, iptables runs without one')
      return run(file, args, { ...options, env })
    }
    return { ...done, missing: done.exitCode === 127 }
  }
}
