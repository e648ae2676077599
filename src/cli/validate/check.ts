/** Documents -> findings with file, line and column. */
import { messageOf, ProjectError } from '../../base/errors.ts'
import { DEFAULT_MESH_CONFIG } from '../../injection/mesh/defaults.ts'
import { applyMeshConfig } from '../../injection/mesh/mesh-config.ts'
import { MESH_CONFIG } from '../../injection/mesh/messages.ts'
import { unknownFields } from '../../injection/mesh/unknown-fields.ts'
import type { UnknownMessageField } from '../../injection/mesh/unknown-fields.ts'
import { validateMeshConfig } from '../../injection/mesh/validate-mesh-config.ts'
import type { FieldPath, Finding, MeshObject } from '../../validation/index.ts'
import {
  allFindings,
  checkIstioOperator,
  findingText,
  nearestName,
  pathSteps,
  replacementFor,
  validate,
} from '../../validation/index.ts'
import type { Position, SourceDocument } from './documents.ts'
import { readDocuments } from './documents.ts'

export interface FileFinding extends Position {
  readonly file: string
  readonly severity: 'error' | 'warning'
  readonly code: string
  /** `Kind namespace/name`; empty where no object could be read. */
  readonly object: string
  readonly path: string
  /** The whole sentence, path and advice included. */
  readonly message: string
}
export interface FileCheck {
  readonly findings: readonly FileFinding[]
  /** Objects of Istio that were looked at. */
  readonly checked: number
  /** Objects of other kinds, which are none of our business. */
  readonly skipped: number
}

const OUR_GROUPS: ReadonlySet<string> = new Set([
  'networking.istio.io',
  'security.istio.io',
  'telemetry.istio.io',
  'extensions.istio.io',
])
const MESH_CONFIG_GROUP = 'mesh.istio.io'

type Problem = Omit<FileFinding, 'file' | 'object' | keyof Position> & { readonly steps: readonly (string | number)[] }

/** `strict`: fields the CRD does not declare are errors. */
export function checkText(text: string, { file, strict }: { file: string; strict: boolean }): FileCheck {
  const findings: FileFinding[] = []
  let checked = 0
  let skipped = 0
  for (const document of readDocuments(text)) {
    for (const { text: message, line, column } of document.problems) {
      findings.push({ file, line, column, severity: 'error', code: 'YAML', object: '', path: '', message })
    }
    for (const { object, steps } of objectsIn(document.value)) {
      const problems = checkObject(object, strict)
      if (problems === undefined) skipped += 1
      else {
        checked += 1
        for (const problem of problems) findings.push(located(problem, { document, file, object, base: steps }))
      }
    }
  }
  return { findings, checked, skipped }
}

interface Found {
  readonly object: MeshObject
  /** Where it stands in its document: the elements of a List are below `items`. */
  readonly steps: readonly (string | number)[]
}

function* objectsIn(value: unknown, steps: readonly (string | number)[] = []): Iterable<Found> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  const object = value as MeshObject
  const { kind, items } = object
  if (typeof kind === 'string' && kind.endsWith('List') && Array.isArray(items)) {
    for (const [i, item] of (items as readonly unknown[]).entries()) yield* objectsIn(item, [...steps, 'items', i])
  } else yield { object, steps }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

function checkObject(object: MeshObject, strict: boolean): readonly Problem[] | undefined {
  const group = textOf(object['apiVersion']).split('/', 1)[0] ?? ''
  const kind = textOf(object['kind'])
  if (group === MESH_CONFIG_GROUP && kind === 'MeshConfig') return checkMeshConfig(object['spec'])
  if (group === 'install.istio.io' && kind === 'IstioOperator') return checkIstioOperator(object).map(problemOf)
  if (isUnnamed(object)) return [UNNAMED]
  const isLegacy = replacementFor(group, kind) !== undefined
  if (!OUR_GROUPS.has(group) && !isLegacy) return undefined
  return allFindings(validate(object), { strict }).map(problemOf)
}

/** Meant for a cluster, unlike the many YAML files that are no objects at all. */
const isUnnamed = (object: MeshObject): boolean =>
  (textOf(object['apiVersion']) === '' || textOf(object['kind']) === '') && Object.hasOwn(object, 'spec')

const UNNAMED: Problem = {
  severity: 'error',
  code: 'KIND_UNKNOWN',
  path: '',
  message: 'a spec without apiVersion and kind: begin the document with both',
  steps: [],
}

const problemOf = (finding: Finding): Problem => {
  const at: FieldPath = finding.at
  const { severity, code, path } = finding
  return { severity, code, path, message: findingText(finding), steps: pathSteps(at) }
}

/** A document that does not decode is one error. */
function checkMeshConfig(document: unknown): readonly Problem[] {
  const problem = (severity: Problem['severity'], message: string): Problem => ({
    severity,
    code: 'MESH_CONFIG',
    path: 'spec',
    message: message.replaceAll(/\s+/g, ' '),
    steps: ['spec'],
  })
  try {
    const { errors, warnings } = validateMeshConfig(applyMeshConfig(DEFAULT_MESH_CONFIG, document ?? {}))
    return [
      ...errors.map((text) => problem('error', text)),
      ...warnings.map((text) => problem('warning', text)),
      ...unknownFields(MESH_CONFIG, document).map(unknownMeshField),
    ]
  } catch (err) {
    if (err instanceof ProjectError) return [problem('error', messageOf(err))]
    throw err
  }
}

/** A warning: istiod starts with such a document, only without the setting. */
function unknownMeshField({ steps, declared }: UnknownMessageField): Problem {
  const name = String(steps.at(-1))
  const meant = nearestName(name, declared)
  const hint = meant === undefined ? 'remove it' : `did you mean "${meant}"?`
  const path = ['spec', ...steps.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))].join('')
  const message = `${path}: unknown field "${name}" has no effect: ${hint}`
  return { severity: 'warning', code: 'MESH_CONFIG', path, message, steps: ['spec', ...steps] }
}

interface Place {
  readonly document: SourceDocument
  readonly file: string
  readonly object: MeshObject
  readonly base: readonly (string | number)[]
}

function located({ steps, ...problem }: Problem, { document, file, object, base }: Place): FileFinding {
  return { file, ...document.locate([...base, ...steps]), object: nameOf(object), ...problem }
}

function nameOf(object: MeshObject): string {
  const metadata = object['metadata']
  const { namespace, name } = (typeof metadata === 'object' && metadata !== null ? metadata : {}) as Record<
    string,
    unknown
  >
  const scope = textOf(namespace) === '' ? '' : `${textOf(namespace)}/`
  return `${textOf(object['kind'])} ${scope}${textOf(name)}`.trim()
}
