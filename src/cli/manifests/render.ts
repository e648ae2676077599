/** The plan as YAML: one text, or the files of a kustomization. */
import { stringify } from 'yaml'

import type { Plan } from './plan.ts'
import { rights } from './rights.ts'
import { validatingConfigurations } from './validation.ts'
import { webhookConfigurations } from './webhooks.ts'
import { deployment, disruptionBudget, namespace, service } from './workload.ts'

interface Part {
  readonly about: string
  readonly objects: (plan: Plan) => readonly object[]
}

/** In the order in which they must be applied. */
const PARTS = {
  namespace: { about: 'Where the server runs.', objects: (plan) => [namespace(plan)] },
  rights: { about: "The server's account, and what it may do.", objects: rights },
  service: { about: 'The address that the API server calls.', objects: (plan) => [service(plan)] },
  deployment: { about: 'The server.', objects: (plan) => [deployment(plan)] },
  'disruption-budget': { about: 'Keeps one replica while nodes are drained.', objects: disruptionBudget },
  webhooks: {
    about: 'Which pods come to the server. It fills in caBundle itself.',
    objects: webhookConfigurations,
  },
  validation: {
    about: 'Which mesh resources come to the server, and are refused while it is away. It fills in caBundle itself.',
    objects: validatingConfigurations,
  },
} as const satisfies Record<string, Part>

export type PartName = keyof typeof PARTS
export const PART_NAMES = Object.keys(PARTS) as readonly PartName[]

const GENERATED = '# Written by `mesh-admission manifests`; change it there.\n'

/** The objects of some parts as one multi-document text. */
export function renderManifests(plan: Plan, parts: readonly PartName[]): string {
  return PART_NAMES.filter((part) => parts.includes(part))
    .flatMap((part) => PARTS[part].objects(plan))
    .map(document)
    .join('---\n')
}

/** File name -> text: a folder for `kubectl apply -k`. Parts without an object have no file. */
export function renderKustomization(plan: Plan, parts: readonly PartName[]): Map<string, string> {
  const files = new Map<string, string>()
  for (const name of PART_NAMES.filter((part) => parts.includes(part))) {
    const part: Part = PARTS[name]
    const objects = part.objects(plan)
    if (objects.length === 0) continue
    files.set(`${name}.yaml`, `# ${part.about}\n${GENERATED}${objects.map(document).join('---\n')}`)
  }
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [...files.keys()],
  }
  files.set('kustomization.yaml', `${GENERATED}${document(kustomization)}`)
  return files
}

/** Lines are never folded, and equal parts are never shared: what people read and tools compare. */
function document(object: object): string {
  return stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })
}
