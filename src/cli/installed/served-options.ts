/** What the server of an installation was told: the arguments of its Deployment, read as `serve` reads them. */
import { Command } from 'commander'

import type { KubeClient } from '../../kube/client.ts'
import type { KubeObject } from '../../kube/resource.ts'
import { DEPLOYMENTS } from '../../kube/resource.ts'
import type { Plan } from '../manifests/plan.ts'
import { addServeFlags, resolveServeOptions, type ServeOptions } from '../serve/options.ts'

export interface ServerDeployment extends KubeObject {
  readonly spec: { readonly template: { readonly spec: PodSpec } }
}

interface PodSpec {
  readonly containers: readonly ServerContainer[]
  readonly volumes?: readonly Volume[]
}

export interface ServerContainer {
  readonly name: string
  readonly args?: readonly string[]
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[]
  readonly volumeMounts?: readonly {
    readonly name: string
    readonly mountPath: string
    readonly subPath?: string
    readonly subPathExpr?: string
  }[]
}

interface Volume {
  readonly name: string
  readonly secret?: { readonly secretName?: string }
}

/** The Deployment, or undefined where there is none, or it is not for us to see. */
export async function findDeployment(
  client: KubeClient,
  { name, namespace }: Plan,
  signal: AbortSignal,
): Promise<ServerDeployment | undefined> {
  return client.get<ServerDeployment>({ resource: DEPLOYMENTS, namespace, name }, signal).catch(() => undefined)
}

/** Undefined for arguments that `serve` would not take: another version's, or none of ours. */
export function servedOptions(deployment: ServerDeployment | undefined): ServeOptions | undefined {
  const [verb, ...args] = serverIn(deployment)?.args ?? []
  if (verb !== 'serve') return undefined
  const silent = { writeErr: () => undefined, writeOut: () => undefined }
  const command = new Command().exitOverride().configureOutput(silent)
  addServeFlags(command)
  try {
    return resolveServeOptions(command.parse(args, { from: 'user' }).opts(), {})
  } catch {
    return undefined
  }
}

/** The container that serves. */
export function serverIn(deployment: ServerDeployment | undefined): ServerContainer | undefined {
  const containers = deployment?.spec.template.spec.containers ?? []
  return containers.find(({ args = [] }) => args[0] === 'serve') ?? containers[0]
}
