/** What cases name is read from files and compiled once. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileConfig } from '../../src/injection/index.ts'
import type { CompiledConfig, InjectorInputs } from '../../src/injection/index.ts'
import type { Compatibility } from '../../src/injection/inject.ts'
import type { InjectionCase } from './injection-case.ts'

export interface AnswerOptions {
  /** Folder of `<name>.config.yaml`, `.values.json`, `.mesh.yaml`. */
  readonly configs: string
  readonly compat: Compatibility
  /** A configuration document in place of the named one. */
  readonly configText?: (name: string) => string | undefined
}

/** The inputs a case describes, templates compiled where that is possible. */
export type InputsOf = (given: InjectionCase) => InjectorInputs

/** Reads each file once and compiles each configuration once. */
export function inputsReader({ configs, compat, configText }: AnswerOptions): InputsOf {
  const texts = new Map<string, string>()
  const compiled = new Map<string, CompiledConfig>()
  const read = (name: string): string => {
    const text = texts.get(name) ?? readFileSync(join(configs, name), 'utf8')
    texts.set(name, text)
    return text
  }
  const inputsOf = (given: InjectionCase): InjectorInputs => ({
    configText:
      given.configYaml ??
      configText?.(given.configRef ?? 'default') ??
      read(`${given.configRef ?? 'default'}.config.yaml`),
    valuesText: given.values ?? read(`${given.valuesRef ?? 'default'}.values.json`),
    meshTexts: [given.mesh ?? read(`${given.meshRef ?? 'default'}.mesh.yaml`)],
    revision: given.revision ?? 'default',
    nativeSidecars: given.nativeSidecars ?? 'auto',
    platform: given.platform ?? '',
    compliancePolicy: given.compliancePolicy ?? '',
    compat,
    env: () => undefined,
    warn: () => undefined,
  })
  return (given) => {
    const inputs = inputsOf(given)
    const known = compiled.get(inputs.configText) ?? tryCompile(inputs)
    if (known === undefined) return inputs
    compiled.set(inputs.configText, known)
    return { ...inputs, compiled: known }
  }
}

/** A configuration that cannot be compiled is left to the injector, which says why. */
function tryCompile(inputs: InjectorInputs): CompiledConfig | undefined {
  try {
    return compileConfig(inputs)
  } catch {
    return undefined
  }
}

/** Fields of a case that make an injector. */
const SETTINGS = [
  'configRef',
  'configYaml',
  'valuesRef',
  'values',
  'meshRef',
  'mesh',
  'revision',
  'nativeSidecars',
  'platform',
  'compliancePolicy',
] as const satisfies readonly (keyof InjectionCase)[]

/** Makes something once for all cases with the same settings; what `make` throws is thrown again each time. */
export function oncePerSettings<T>(make: (given: InjectionCase) => T): (given: InjectionCase) => T {
  const known = new Map<string, { readonly made: T } | { readonly thrown: unknown }>()
  return (given) => {
    const key = JSON.stringify(SETTINGS.map((name) => given[name] ?? null))
    const outcome = known.get(key) ?? attempt(() => make(given))
    known.set(key, outcome)
    if ('thrown' in outcome) throw outcome.thrown
    return outcome.made
  }
}

function attempt<T>(make: () => T): { readonly made: T } | { readonly thrown: unknown } {
  try {
    return { made: make() }
  } catch (thrown) {
    return { thrown }
  }
}
