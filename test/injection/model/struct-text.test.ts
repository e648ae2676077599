/** What printing a Kubernetes struct gives. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONTAINER } from '../../../src/injection/model/container.ts'
import { OBJECT_META } from '../../../src/injection/model/meta.ts'
import { POD_SPEC } from '../../../src/injection/model/pod.ts'
import { structText } from '../../../src/injection/model/struct-text.ts'

test('struct text: fields stand in the order of their protobuf numbers', () => {
  assert.match(
    structText(POD_SPEC, {}),
    /^&PodSpec\{Volumes:\[\]Volume\{\},Containers:\[\]Container\{\},RestartPolicy:,/,
  )
  assert.match(structText(CONTAINER, {}), /^&Container\{Name:,Image:,.*,Env:\[\]EnvVar\{\},Resources:/)
})

test('struct text: a named map has its name', () => {
  assert.match(structText(CONTAINER, {}), /Limits:ResourceList\{\},Requests:ResourceList\{\}/)
})

test('struct text: an unset time is printed by itself, other unset pointers as nil', () => {
  assert.match(structText(OBJECT_META, {}), /,DeletionTimestamp:<nil>,DeletionGracePeriodSeconds:nil,/)
})
