/** Where the files of a serving certificate come from, as the Deployment mounts them. */
import { dirname } from 'node:path'

import type { ServerDeployment } from './served-options.ts'
import { servedOptions, serverIn } from './served-options.ts'

export interface ServedFiles {
  readonly certFile: string
  /** Secret of the volume that the certificate lies in, in the namespace of the server. */
  readonly secret: string | undefined
  /** Mounted by subPath, which is never renewed. */
  readonly isPinned: boolean
}

/** Undefined where the server has an authority of its own. */
export function servedFiles(deployment: ServerDeployment | undefined): ServedFiles | undefined {
  const certFile = servedOptions(deployment)?.tlsFiles?.certFile
  if (certFile === undefined) return undefined
  const { volumeMounts = [] } = serverIn(deployment) ?? {}
  const places = [certFile, dirname(certFile)]
  const mount = volumeMounts.find(({ mountPath }) => places.includes(mountPath.replace(/(?<=.)\/$/, '')))
  const volume = deployment?.spec.template.spec.volumes?.find(({ name }) => name === mount?.name)
  const isPinned = (mount?.subPath ?? mount?.subPathExpr ?? '') !== ''
  return { certFile, secret: volume?.secret?.secretName, isPinned }
}
