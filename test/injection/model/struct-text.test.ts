/** Printed structs of Kubernetes' types. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONTAINER, PROBE } from '../../../src/injection/model/container.ts'
import { TYPE_META } from '../../../src/injection/model/meta.ts'
import { structText } from '../../../src/injection/model/struct-text.ts'
import type { StructType } from '../../../src/injection/template/types.ts'

const ROWS: readonly (readonly [name: string, type: StructType, value: unknown, want: string])[] = [
  ['scalars', TYPE_META, { kind: 'Pod', apiVersion: 'v1' }, '&TypeMeta{Kind:Pod,APIVersion:v1,}'],
  ['absent fields', TYPE_META, undefined, '&TypeMeta{Kind:,APIVersion:,}'],
]
for (const [name, type, value, want] of ROWS) {
  test(`struct text: ${name}`, () => assert.equal(structText(type, value), want))
}

const PARTS: readonly (readonly [name: string, type: StructType, value: unknown, part: string])[] = [
  [
    'an embedded struct',
    PROBE,
    { exec: { command: ['a', 'b'] } },
    'ProbeHandler:ProbeHandler{Exec:&ExecAction{Command:[a b],},HTTPGet:nil,',
  ],
  ['a port by name', PROBE, { httpGet: { port: 'http' } }, 'Port:{1 0 http},'],
  ['a port by number', PROBE, { tcpSocket: { port: 80 } }, 'Port:{0 80 },'],
  [
    'a list of structs',
    CONTAINER,
    { env: [{ name: 'A', value: 'b' }] },
    'Env:[]EnvVar{EnvVar{Name:A,Value:b,ValueFrom:nil,},},',
  ],
  ['pointers to scalars', CONTAINER, { securityContext: { runAsUser: 0 } }, 'RunAsUser:*0,RunAsNonRoot:nil,'],
]
for (const [name, type, value, part] of PARTS) {
  test(`struct text: ${name}`, () => assert.ok(structText(type, value).includes(part), structText(type, value)))
}
