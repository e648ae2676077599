/** The messages injection works with: MeshConfig, ProxyConfig (of the mesh and as a resource) and the chart's values. */
import { MESH_ENUMS, MESH_FIELDS } from './mesh-fields.ts'
import { defineMessages } from './message-type.ts'
import { writeMessage } from './proto-json-write.ts'
import { VALUES_ENUMS, VALUES_FIELDS } from './values-fields.ts'

const mesh = defineMessages({ fields: MESH_FIELDS, enums: MESH_ENUMS, write: writeMessage })
const values = defineMessages({ fields: VALUES_FIELDS, enums: VALUES_ENUMS, write: writeMessage })

export const MESH_CONFIG = mesh('istio.mesh.v1alpha1.MeshConfig')
export const DEFAULT_PROVIDERS = mesh('istio.mesh.v1alpha1.MeshConfig.DefaultProviders')
export const PROXY_CONFIG = mesh('istio.mesh.v1alpha1.ProxyConfig')
/** Spec of the resource networking.istio.io/v1beta1 ProxyConfig. */
export const PROXY_CONFIG_RESOURCE = mesh('istio.networking.v1beta1.ProxyConfig')
export const VALUES = values('istio.operator.v1alpha1.Values')
