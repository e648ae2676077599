/** The workload a pod belongs to, guessed from its owner and labels at admission time. */
import { LABEL } from '../api/names.ts'
import type { OwnerReference, Pod } from '../api/pod.ts'

export interface Workload {
  readonly kind: string
  readonly apiVersion: string
  readonly name: string
  readonly namespace: string
}

const CRON_JOB_RUN = /^(.+)-[0-9]{8,10}$/s

/**
 * Kind, apiVersion and name of what created the pod.
 * istiod: owners count only for pods with a generated name, and the group of the owner's kind is not looked at.
 */
export function workloadOf(pod: Pod): Workload {
  const meta = pod.metadata ?? {}
  const namespace = meta.namespace ?? ''
  const podName = meta.name ?? ''
  const bare: Workload = { kind: 'Pod', apiVersion: 'v1', name: podName, namespace }
  if ((meta.generateName ?? '') === '') return bare
  const owner = meta.ownerReferences?.find((reference) => reference.controller === true)
  if (owner === undefined) return bare
  const workload = { ...workloadOfOwner(owner, meta.labels ?? {}), namespace }
  return workload.name === '' ? { ...workload, name: podName } : workload
}

function workloadOfOwner(owner: OwnerReference, labels: Readonly<Record<string, string>>): Omit<Workload, 'namespace'> {
  const { kind = '', apiVersion = '', name = '' } = owner
  switch (kind) {
    case 'ReplicaSet': {
      const deployment = withoutHash(name, labels[LABEL.podTemplateHash])
      if (deployment !== undefined) return { kind: 'Deployment', apiVersion, name: deployment }
      const rollout = withoutHash(name, labels[LABEL.rolloutsPodTemplateHash])
      if (rollout !== undefined) return { kind: 'Rollout', apiVersion: 'v1alpha1', name: rollout }
      break
    }
    case 'ReplicationController': {
      const config = labels[LABEL.deploymentConfig] ?? ''
      if (config !== '') return { kind: 'DeploymentConfig', apiVersion, name: config }
      break
    }
    case 'Job': {
      const cronJob = CRON_JOB_RUN.exec(name)?.[1]
      if (cronJob !== undefined) return { kind: 'CronJob', apiVersion: 'batch/v1', name: cronJob }
      break
    }
  }
  return { kind, apiVersion, name }
}

/** istiod: the name must end with the hash, with or without a dash before it; only `-<hash>` is cut off. */
function withoutHash(name: string, hash = ''): string | undefined {
  if (hash === '' || !name.endsWith(hash)) return undefined
  return name.endsWith(`-${hash}`) ? name.slice(0, -hash.length - 1) : name
}
