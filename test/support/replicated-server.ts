/** An installation of several replicas behind one address, registered by URL with the real API server of live tests. */
import { planInstallation } from '../../src/cli/manifests/plan.ts'
import { renderManifests } from '../../src/cli/manifests/render.ts'
import type { Resource } from '../../src/kube/resource.ts'
import { MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS } from '../../src/kube/resource.ts'
import { startBalancer, type Balancer } from './balancer.ts'
import { eventually, KUBECONFIG, kubectl } from './cluster.ts'
import { startReplica, type Replica } from './replica.ts'

export interface ReplicatedServer {
  readonly balancer: Balancer
  readonly configurations: readonly { readonly resource: Resource; readonly name: string }[]
  /** Name of the authority's Secret, in namespace `default`. */
  readonly secret: string
  /** Those that run, the draining ones included; changes as they come and go. */
  running(): readonly Replica[]
  /** Starts one more and puts it behind the address; resolves when it gets connections. */
  add(options?: { readonly withMovableClock?: boolean }): Promise<Replica>
  /** Ends one by SIGTERM. */
  remove(replica: Replica): Promise<void>
  /** Ends one by SIGTERM, starts another at once, and resolves when the old one is gone. */
  replace(replica: Replica): Promise<void>
  /** Ends one without a warning. */
  kill(replica: Replica): Promise<void>
  end(): Promise<void>
}

export interface ReplicatedServerOptions {
  readonly revision: string
  readonly replicas: number
  /** Of `serve`, besides those that say where it serves. */
  readonly flags: readonly string[]
  readonly signal: AbortSignal
}

export async function startReplicatedServer(options: ReplicatedServerOptions): Promise<ReplicatedServer> {
  const { revision, signal } = options
  const running = new Set<Replica>()
  const balancer = await startBalancer()
  const plan = planInstallation({ revision, url: `https://127.0.0.1:${balancer.port}` }, '0.0.0-test')
  await kubectl(['apply', '-f', '-'], renderManifests(plan, ['webhooks', 'validation']))
  let count = 0
  const add: ReplicatedServer['add'] = async ({ withMovableClock = false } = {}) => {
    const flags = ['--kubeconfig', KUBECONFIG, '--revision', revision, ...options.flags]
    const replica = await startReplica({ name: `replica-${++count}`, flags, withMovableClock })
    running.add(replica)
    balancer.use([...running])
    await eventually(() => balancer.isReady(replica.name), signal)
    return replica
  }
  const forget = (replica: Replica): void => {
    running.delete(replica)
    balancer.use([...running])
  }
  const server: ReplicatedServer = {
    balancer,
    configurations: [
      ...plan.configurations.map(({ name }) => ({ resource: MUTATING_WEBHOOKS, name })),
      ...plan.validators.map(({ name }) => ({ resource: VALIDATING_WEBHOOKS, name })),
    ],
    secret: plan.secret,
    running: () => [...running],
    add,
    remove: async (replica) => {
      await replica.terminate()
      forget(replica)
    },
    replace: async (replica) => {
      await Promise.all([server.remove(replica), add()])
    },
    kill: async (replica) => {
      await replica.kill()
      forget(replica)
    },
    end: async () => {
      await Promise.all([...running].map((replica) => replica.kill()))
      await balancer.end()
      const names = server.configurations.map(({ resource, name }) => `${resource.plural}/${name}`)
      await kubectl(['delete', '--ignore-not-found', ...names])
      for (const kind of ['secret', 'lease']) {
        await kubectl(['-n', 'default', 'delete', kind, plan.secret, '--ignore-not-found'])
      }
    },
  }
  try {
    await Promise.all(Array.from({ length: options.replicas }, () => add()))
    return server
  } catch (err) {
    await server.end()
    throw err
  }
}
