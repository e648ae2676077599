/** Injection as tests ask for it: the shipped configuration, one pod in, the resulting pod or the denial out. */
import assert from 'node:assert/strict'
import jsonPatch from 'fast-json-patch'
import type { Container, Pod } from '../../src/api/pod.ts'
import { shippedConfigText, shippedMeshText, shippedValuesText } from '../../src/cli/serve/shipped.ts'
import { createInjector } from '../../src/injection/index.ts'
import type { InjectionResult, InjectionWorld, Injector, InjectorInputs } from '../../src/injection/index.ts'

/** An injector's inputs with the shipped configuration, as far as `part` says nothing else. */
export function shippedInputs(part: Partial<InjectorInputs> = {}): InjectorInputs {
  return {
    configText: shippedConfigText(),
    valuesText: shippedValuesText(),
    meshTexts: [shippedMeshText()],
    revision: 'default',
    nativeSidecars: 'false',
    platform: '',
    compliancePolicy: '',
    compat: 'off',
    env: () => undefined,
    warn: () => undefined,
    ...part,
  }
}

export const NO_WORLD: InjectionWorld = { proxyConfigs: [] }

export function shippedInjector(part: Partial<InjectorInputs> = {}): Injector {
  return createInjector(shippedInputs(part))
}

/** The pod after its patch, as the API server would see it. */
export function patched(pod: unknown, result: InjectionResult): Pod {
  assert.ok('patch' in result, JSON.stringify(result))
  const operations = structuredClone(result.patch) as jsonPatch.Operation[]
  return jsonPatch.applyPatch(JSON.parse(JSON.stringify(pod)) as unknown, operations, true, true, false)
    .newDocument as Pod
}

/** A container of either section. */
export function containerOf({ spec }: Pod, name: string): Container {
  const found = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].find((one) => one.name === name)
  return found ?? assert.fail(`no container ${name}`)
}

export function envOf(container: Container, name: string): string | undefined {
  return container.env?.find((one) => one.name === name)?.value
}
