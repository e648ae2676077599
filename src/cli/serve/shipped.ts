/** The configuration that is used where none is given: our own templates, values and mesh settings. */
import { readFileSync } from 'node:fs'
import { packagePath } from '../package.ts'

/** Pod templates we ship, by the name a pod asks for them. */
export const SHIPPED_TEMPLATES = ['sidecar', 'gateway', 'grpc-simple', 'grpc-agent'] as const

/** Definitions that several templates share; put in front of each, so that every text is complete in itself. */
const PARTS = 'parts'

/** The text of an injector ConfigMap's key `config` with our templates. JSON, which is YAML too. */
export function shippedConfigText(): string {
  const parts = readTemplate(PARTS)
  return JSON.stringify({
    policy: 'enabled',
    defaultTemplates: ['sidecar'],
    alwaysInjectSelector: [],
    neverInjectSelector: [],
    injectedAnnotations: {},
    templates: Object.fromEntries(SHIPPED_TEMPLATES.map((name) => [name, parts + readTemplate(name)])),
  })
}

/** Values for these templates, as a default installation has them. */
export function shippedValuesText(): string {
  return readTemplate('values')
}

/** The mesh configuration that goes with them. */
export function shippedMeshText(): string {
  return readTemplate('mesh')
}

function readTemplate(name: string): string {
  return readFileSync(packagePath('templates', `${name}.yaml`), 'utf8')
}
