/** Makes the injection engine from a configuration, and says in which file trouble is. */
import { messageOf, ProjectError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { createInjector, type InjectionRequest, type InjectionWorld } from '../../injection/index.ts'
import { DEFAULT_MESH_CONFIG } from '../../injection/mesh/defaults.ts'
import { applyMeshConfig } from '../../injection/mesh/mesh-config.ts'
import { validateMeshConfig } from '../../injection/mesh/validate-mesh-config.ts'
import { readYaml } from '../../injection/yaml/read.ts'
import type { Configuration, World } from './configuration.ts'
import type { Engine } from './live-engine.ts'
import type { Env, ServeOptions } from './options.ts'

export type EngineOptions = Pick<
  ServeOptions,
  'revision' | 'nativeSidecars' | 'platform' | 'compliancePolicy' | 'compat' | 'templateEnv'
>

/** A compiler for configurations under these options. It throws ProjectError CONFIG_INVALID. */
export function compileEngine(
  options: EngineOptions,
  { env, log }: { readonly env: Env; readonly log: Log },
): (configuration: Configuration) => Engine {
  const readable = new Set(options.templateEnv)
  return (configuration) => {
    const { configText, valuesText, meshTexts } = configuration
    const { revision, nativeSidecars, platform, compliancePolicy, compat } = options
    const injector = blameOrigin(configuration, () => {
      checkMesh(meshTexts)
      return createInjector({
        configText,
        valuesText,
        meshTexts,
        revision,
        nativeSidecars,
        platform,
        compliancePolicy,
        compat,
        env: (name) => (readable.has(name) ? env[name] : undefined),
        warn: (warning) => log.warn({ warning }, 'injection warns'),
      })
    })
    return (request, world) => injector.inject(request, worldFor(request, world))
  }
}

/**
 * istiod: a mesh configuration that is not valid is ignored with a warning. Here it is refused like any other part, so
 * that what was in force stays, instead of the defaults.
 */
function checkMesh(meshTexts: readonly string[]): void {
  let mesh = DEFAULT_MESH_CONFIG
  try {
    for (const text of meshTexts) mesh = applyMeshConfig(mesh, readYaml(text))
  } catch (cause) {
    throw new ProjectError('CONFIG_INVALID', messageOf(cause), { cause, details: { part: 'mesh' } })
  }
  const { errors } = validateMeshConfig(mesh)
  if (errors.length > 0) throw new ProjectError('CONFIG_INVALID', errors.join('; '), { details: { part: 'mesh' } })
}

function worldFor({ namespace }: InjectionRequest, { proxyConfigs, nodes, ...world }: World): InjectionWorld {
  const namespaceAnnotations = world.namespaceAnnotations(namespace)
  return {
    proxyConfigs,
    ...(nodes === undefined ? {} : { nodes }),
    ...(namespaceAnnotations === undefined ? {} : { namespaceAnnotations }),
  }
}

/** The engine knows texts only; people know files. */
function blameOrigin<T>({ origin }: Configuration, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    const part = cause instanceof ProjectError ? cause.details.part : undefined
    const place = part === 'values' ? origin.values : part === 'mesh' ? origin.mesh : origin.config
    throw new ProjectError('CONFIG_INVALID', `${place}: ${messageOf(cause)}`, { cause })
  }
}
