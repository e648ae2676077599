/** Answers for a mesh configuration that comes as an object: merged over the defaults and validated as istiod does. */
import { messageOf, ProjectError } from '../../src/base/errors.ts'
import { DEFAULT_MESH_CONFIG } from '../../src/injection/mesh/defaults.ts'
import { applyMeshConfig } from '../../src/injection/mesh/mesh-config.ts'
import { validateMeshConfig } from '../../src/injection/mesh/validate-mesh-config.ts'
import type { MeshObject } from '../../src/validation/index.ts'

export const isMeshConfig = ({ apiVersion, kind }: MeshObject): boolean =>
  apiVersion === 'mesh.istio.io/v1alpha1' && kind === 'MeshConfig'

export interface MeshConfigFindings {
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
}

/** A document that does not decode is one error. */
export function meshConfigFindings(document: unknown): MeshConfigFindings {
  try {
    return validateMeshConfig(applyMeshConfig(DEFAULT_MESH_CONFIG, document ?? {}))
  } catch (err) {
    if (!(err instanceof ProjectError)) throw err
    return { errors: [messageOf(err)], warnings: [] }
  }
}
