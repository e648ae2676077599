/** Where the offline command takes its configuration from: files, a cluster's ConfigMaps, or what is shipped. */
import { systemClock } from '../../base/clock.ts'
import { ProjectError } from '../../base/errors.ts'
import { createKubeClient, hasStatus, type KubeClient } from '../../kube/client.ts'
import { connectCluster } from '../../kube/config.ts'
import { CONFIG_MAPS } from '../../kube/resource.ts'
import type { InjectFlags } from '../inject.ts'
import { packageVersion } from '../package.ts'
import type { Configuration, KubeObject } from '../serve/configuration.ts'
import { configMapNames, readTexts } from '../serve/file-source.ts'

type Texts = Omit<Configuration, 'world' | 'worldVersion'>
type Env = Readonly<Record<string, string | undefined>>

/** The names istioctl looks for when it is told none; the revision's suffix is added to these only. */
const DEFAULT_NAMES = { injector: 'istio-sidecar-injector', mesh: 'istio' }

/**
 * Files first; ConfigMaps when one is named; else what is shipped.
 * @throws ProjectError CONFIG_UNREADABLE, CONFIG_INVALID, CONFIG_MAP_MISSING, KUBE_*
 */
export async function findTexts(flags: InjectFlags, env: Env): Promise<Texts> {
  const { injectConfigFile, valuesFile, meshConfigFile, istioNamespace } = flags
  const revision = flags.revision === '' ? 'default' : flags.revision
  const options = { injectConfigFile, valuesFile, meshConfigFile, istioNamespace, revision, sharedMeshConfig: '' }
  return readTexts(options, await clusterObjects(flags, { env, revision }))
}

async function clusterObjects(
  flags: InjectFlags,
  { env, revision }: { env: Env; revision: string },
): Promise<KubeObject[]> {
  const { injectConfigMapName, meshConfigMapName } = flags
  if (injectConfigMapName === undefined && meshConfigMapName === undefined) return []
  const own = configMapNames({ revision, sharedMeshConfig: '' } as Parameters<typeof configMapNames>[0])
  const wanted = [
    { asked: injectConfigMapName ?? DEFAULT_NAMES.injector, preset: DEFAULT_NAMES.injector, own: own.injector },
    { asked: meshConfigMapName ?? DEFAULT_NAMES.mesh, preset: DEFAULT_NAMES.mesh, own: own.meshes[0] ?? '' },
  ]
  const client = await connect(flags, env)
  return Promise.all(
    wanted.map(async ({ asked, preset, own: standsFor }) => {
      const map = await getConfigMap(client, {
        name: asked === preset ? standsFor : asked,
        namespace: flags.istioNamespace,
      })
      // Whatever it is called, it stands in the place of the revision's own.
      return { ...map, metadata: { ...map.metadata, name: standsFor } }
    }),
  )
}

async function connect({ kubeconfig, context }: InjectFlags, env: Env): Promise<KubeClient> {
  const file = kubeconfig ?? env.KUBECONFIG ?? (env.HOME === undefined ? undefined : `${env.HOME}/.kube/config`)
  const connection = await connectCluster({ kubeconfig: file, context, env, clock: systemClock })
  if (connection !== undefined) return createKubeClient({ connection, userAgent: `mesh-admission/${packageVersion()}` })
  throw new ProjectError(
    'OPTION_INVALID',
    '--kubeconfig: expected a file, as the ConfigMaps are in a cluster, got none',
  )
}

/** istiod: istioctl's words for a ConfigMap that is not there. */
async function getConfigMap(client: KubeClient, place: { name: string; namespace: string }): Promise<KubeObject> {
  const { name, namespace } = place
  try {
    const map = await client.get<KubeObject>({ resource: CONFIG_MAPS, name, namespace }, AbortSignal.timeout(30_000))
    return { ...map, apiVersion: 'v1', kind: 'ConfigMap' }
  } catch (cause) {
    if (!hasStatus(cause, 404)) throw cause
    const text = `could not find valid configmap "${name}" from namespace "${namespace}"`
    throw new ProjectError('CONFIG_MAP_MISSING', text, { cause })
  }
}
