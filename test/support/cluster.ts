/** The real API server of live tests, when one is up on this machine; tests skip themselves otherwise. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import { systemClock } from '../../src/base/clock.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { createKubeClient } from '../../src/kube/client.ts'
import { connectCluster } from '../../src/kube/config.ts'
import { sharedPath } from './shared.ts'

const STATE = process.env.CLUSTER_STATE ?? '/tmp/mesh-cluster'
export const TOOLS = join(process.env.CLUSTER_CACHE ?? join(homedir(), '.cache', 'mesh-cluster'), 'bin')
export const KUBECONFIG = join(STATE, 'kubeconfig')
/** A user without any right. */
export const KUBECONFIG_NOBODY = join(STATE, 'kubeconfig-nobody')

/** The `skip` option of a test that needs the API server. */
export function skipWithoutCluster(): false | string {
  const scripts = sharedPath('cluster', 'apiserver')
  const isUp = scripts !== undefined && existsSync(KUBECONFIG) && answers()
  return !isUp && 'no test cluster is up (../shared/cluster/up api)'
}

/** A cluster that was not taken down orderly leaves its files behind. */
function answers(): boolean {
  const args = ['--kubeconfig', KUBECONFIG, '--request-timeout=5s', 'get', '--raw', '/readyz']
  return spawnSync(join(TOOLS, 'kubectl'), args, { stdio: 'ignore' }).status === 0
}

/** Runs kubectl with these arguments and this input; gives its output, rejects with its words when it fails. */
export type Kubectl = (args: readonly string[], input?: string) => Promise<string>

export interface KubectlOutcome {
  readonly ok: boolean
  readonly stdout: string
  /** Errors and warnings. */
  readonly stderr: string
}

export function kubectlOf(kubeconfig: string): Kubectl {
  return async (args, input = '') => {
    const { ok, stdout, stderr } = await run(kubeconfig, args, input)
    if (!ok) throw new Error(`kubectl ${args.join(' ')}: ${stderr}${stdout}`)
    return stdout
  }
}

/** Never synchronously: the server that the API server calls may live in this process. */
async function run(kubeconfig: string, args: readonly string[], input: string): Promise<KubectlOutcome> {
  const child = spawn(join(TOOLS, 'kubectl'), ['--kubeconfig', kubeconfig, ...args])
  child.stdin.end(input)
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { ok: status[0] === 0, stdout, stderr }
}

/** On the cluster that is up. */
export const kubectl: Kubectl = kubectlOf(KUBECONFIG)

/** As `kubectl`, but a failure is an outcome like any other. */
export const tryKubectl = (args: readonly string[], input = ''): Promise<KubectlOutcome> => run(KUBECONFIG, args, input)

/** Takes the API server away or brings it back. */
export function apiserver(verb: 'stop' | 'start'): void {
  const { status, stderr } = spawnSync(apiserverScript(), [verb], {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`apiserver ${verb}: ${stderr}`)
}

/** Takes it away and brings it back while this process goes on; resolves when it answers again. */
export async function restartApiserver(): Promise<void> {
  for (const verb of ['stop', 'start']) {
    const [status] = (await once(spawn(apiserverScript(), [verb], { stdio: 'ignore' }), 'exit')) as [number | null]
    if (status !== 0) throw new Error(`apiserver ${verb}: ended with ${String(status)}`)
  }
}

function apiserverScript(): string {
  const script = sharedPath('cluster', 'apiserver')
  if (script === undefined) throw new Error('no test cluster')
  return script
}

export async function clusterClient(kubeconfig = KUBECONFIG, pageSize = 500): Promise<KubeClient> {
  const connection = await connectCluster({ kubeconfig, env: {}, clock: systemClock })
  if (connection === undefined) throw new Error(`${kubeconfig}: no cluster`)
  return createKubeClient({ connection, userAgent: 'mesh-admission-test', pageSize })
}

/** Resolves as soon as `holds` does; the test's own time limit ends a wait that never will. */
export async function eventually(holds: () => boolean | Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!(await holds())) {
    signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
