/** Mounts that never change, told from those that do. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { isPinned, pinnedFiles } from '../../src/certificates/pinned-files.ts'

/** As a pod sees its mounts. */
const TABLE = `
711 650 0:52 / / rw,relatime master:1 - overlay overlay rw
712 711 0:57 / /certs ro,relatime - tmpfs tmpfs rw,size=1024k
713 711 0:57 /..2026_01_01_00_00_00.123456789/tls.crt /single/tls.crt ro,relatime - tmpfs tmpfs rw
714 711 0:57 /..2026_01_01_00_00_00.123456789/inner /folder ro,relatime - tmpfs tmpfs rw
715 711 8:1 /home/me/tls.crt /with\\040blank/tls.crt ro - ext4 /dev/sda1 rw
716 711 0:58 / /single ro - tmpfs tmpfs rw
717 716 0:57 /..2026_01_01_00_00_00.123456789/tls.crt /single/tls.crt ro - tmpfs tmpfs rw
718 711 0:57 /..2026_01_01_00_00_00.1/a /covered ro - tmpfs tmpfs rw
719 711 0:59 / /covered ro - tmpfs tmpfs rw
`

for (const { path, want } of [
  { path: '/certs/..2026_01_01_00_00_00.123456789/tls.crt', want: false },
  { path: '/certs/tls.crt', want: false },
  { path: '/certificates/tls.crt', want: false },
  { path: '/single/tls.crt', want: true },
  { path: '/single/tls.key', want: false },
  { path: '/folder/tls.crt', want: true },
  { path: '/with blank/tls.crt', want: true },
  { path: '/covered/tls.crt', want: false },
]) {
  test(`row 28: ${path} is ${want ? 'mounted by subPath' : 'renewed with its volume'}`, () =>
    assert.equal(isPinned(path, TABLE), want))
}

test('row 28: a file of this machine is not pinned, nor is one that is not there', async () => {
  assert.deepEqual(await pinnedFiles([import.meta.filename, '/nowhere/tls.crt']), [])
})

test('row 28: without a mount table nothing can be said', () => assert.equal(isPinned('/single/tls.crt', ''), false))
