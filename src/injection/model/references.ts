/** Go types of references to other objects and to fields of the pod (core/v1). */
import type { TypeTable } from './define.ts'
import { defineTypes } from './define.ts'
import { META_TYPES } from './meta.ts'
import { QUANTITY } from './quantity.ts'
import { RESOURCE_LIST } from './resources.ts'
import { INT_OR_STRING } from './scalars.ts'

/** Types of this file and those of metadata, for the tables of others. */
export const REFERENCE_TYPES: TypeTable = defineTypes(
  `
  LocalObjectReference
    Name  name?  string

  ObjectFieldSelector
    APIVersion  apiVersion?  string
    FieldPath   fieldPath    string

  ResourceFieldSelector
    ContainerName  containerName?  string
    Resource       resource        string
    Divisor        divisor?        Quantity

  ObjectReference
    Kind             kind?             string
    Namespace        namespace?        string
    Name             name?             string
    UID              uid?              string(types.UID)
    APIVersion       apiVersion?       string
    ResourceVersion  resourceVersion?  string
    FieldPath        fieldPath?        string
  `,
  [...META_TYPES, ['Quantity', QUANTITY], ['ResourceList', RESOURCE_LIST], ['IntOrString', INT_OR_STRING]],
)
