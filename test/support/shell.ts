/** Command lines as an operator types them, with this checkout's `mesh-admission` and the cluster's kubectl on the path. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'

import { KUBECONFIG, TOOLS } from './cluster.ts'
import { PROJECT_ROOT } from './shared.ts'

export interface ShellOutcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Shell {
  /** Runs the line in the checkout's folder; a failure is an outcome like any other. */
  run(line: string): Promise<ShellOutcome>
  /** @throws Error with what was printed when the line fails */
  must(line: string): Promise<string>
  close(): void
}

/** @param moreFlags of `mesh-admission`, by verb: what a server outside the cluster needs besides the words of a page */
export function openShell(moreFlags: Readonly<Record<string, string>> = {}): Shell {
  const bin = mkdtempSync(join(tmpdir(), 'operator-'))
  const cases = Object.entries(moreFlags).map(([verb, flags]) => `${verb}) set -- "$@" ${flags};;`)
  const script = join(bin, 'mesh-admission')
  const main = `'${process.execPath}' --import tsx '${join(PROJECT_ROOT, 'src/main.ts')}' "$@"`
  writeFileSync(script, `#!/bin/sh\ncase "$1" in ${cases.join(' ')} esac\nexec ${main}\n`)
  chmodSync(script, 0o755)
  const path = [bin, TOOLS, process.env.PATH ?? ''].join(delimiter)
  const run = async (line: string): Promise<ShellOutcome> => {
    const env = { ...process.env, PATH: path, KUBECONFIG }
    const child = spawn('sh', ['-c', line], { cwd: PROJECT_ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    return { code: child.exitCode ?? 1, stdout, stderr }
  }
  return {
    run,
    must: async (line) => {
      const { code, stdout, stderr } = await run(line)
      if (code !== 0) throw new Error(`${line}: ${code}\n${stdout}${stderr}`)
      return stdout
    },
    close: () => rmSync(bin, { recursive: true }),
  }
}
