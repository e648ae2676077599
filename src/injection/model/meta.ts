/** Go types of object metadata and label selectors (k8s.io/apimachinery, meta/v1). */
import type { Method, StructType } from '../template/types.ts'
import type { TypeTable } from './define.ts'
import { defineTypes, structOf, withMethods } from './define.ts'
import { FIELDS_V1, TIME } from './scalars.ts'

/** Types of this file, for the tables of others. */
export const META_TYPES: TypeTable = defineTypes(
  `
  TypeMeta
    Kind        kind?        string
    APIVersion  apiVersion?  string

  OwnerReference
    APIVersion          apiVersion           string
    Kind                kind                 string
    Name                name                 string
    UID                 uid                  string(types.UID)
    Controller          controller?          *bool
    BlockOwnerDeletion  blockOwnerDeletion?  *bool

  ManagedFieldsEntry
    Manager      manager?      string
    Operation    operation?    string(ManagedFieldsOperationType)
    APIVersion   apiVersion?   string
    Time         time?         *Time
    FieldsType   fieldsType?   string
    FieldsV1     fieldsV1?     *FieldsV1
    Subresource  subresource?  string

  ObjectMeta
    Name                        name?                        string
    GenerateName                generateName?                string
    Namespace                   namespace?                   string
    SelfLink                    selfLink?                    string
    UID                         uid?                         string(types.UID)
    ResourceVersion             resourceVersion?             string
    Generation                  generation?                  int64
    CreationTimestamp           creationTimestamp??          Time
    DeletionTimestamp           deletionTimestamp?           *Time
    DeletionGracePeriodSeconds  deletionGracePeriodSeconds?  *int64
    Labels                      labels?                      map[string]string
    Annotations                 annotations?                 map[string]string
    OwnerReferences             ownerReferences?             []OwnerReference      merge=uid
    Finalizers                  finalizers?                  []string              merge
    ManagedFields               managedFields?               []ManagedFieldsEntry

  LabelSelectorRequirement
    Key       key       string
    Operator  operator  string(LabelSelectorOperator)
    Values    values?   []string

  LabelSelector
    MatchLabels       matchLabels?       map[string]string
    MatchExpressions  matchExpressions?  []LabelSelectorRequirement

  ShardInfo
    Selector  selector  string

  ListMeta
    SelfLink            selfLink?            string
    ResourceVersion     resourceVersion?     string
    Continue            continue?            string
    RemainingItemCount  remainingItemCount?  *int64
    ShardInfo           shardInfo?           *ShardInfo
  `,
  [
    ['Time', TIME],
    ['FieldsV1', FIELDS_V1],
  ],
)

/** Go's metadata has a getter for every field. */
const getters = ({ fields }: StructType): Record<string, Method> =>
  Object.fromEntries(
    fields.map(({ name, json, type }) => [
      `Get${name}`,
      { params: [], result: type, nilSafe: false, call: (self) => (self as Record<string, unknown>)[json] },
    ]),
  )

const metadata = structOf(META_TYPES, 'ObjectMeta')

export const OBJECT_META: StructType = withMethods(metadata, getters(metadata))

/** Kind and version of an object. */
export const TYPE_META: StructType = structOf(META_TYPES, 'TypeMeta')
