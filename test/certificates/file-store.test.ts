/** The certificate authority in a folder. */
import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { CURRENT_LINK, createFileStore } from '../../src/certificates/file-store.ts'
import { describeAuthorityStore, stateOf } from './authority-store.cases.ts'

const SIGNAL = new AbortController().signal

async function temporary(): Promise<{ parent: string; folder: string }> {
  const parent = await mkdtemp(join(tmpdir(), 'file-store-'))
  return { parent, folder: join(parent, 'state') }
}

describeAuthorityStore('folder', async () => {
  const { parent, folder } = await temporary()
  return {
    store: createFileStore(folder),
    other: createFileStore(folder),
    spoil: (part, text) => writeFile(join(folder, CURRENT_LINK, part), text),
    cleanUp: () => rm(parent, { recursive: true }),
  }
})

test('folder: keys are readable by their owner only, whatever the umask, and only one state stays', async () => {
  const { parent, folder } = await temporary()
  const umask = process.umask(0)
  try {
    const store = createFileStore(folder)
    await store.write(stateOf(1), undefined, SIGNAL)
    await store.write(stateOf(2), '1', SIGNAL)
    const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777
    assert.equal(await modeOf(folder), 0o700)
    assert.equal(await modeOf(join(folder, CURRENT_LINK, 'signer.key')), 0o600)
    assert.equal(await modeOf(join(folder, CURRENT_LINK, 'ca.crt')), 0o644)
    assert.deepEqual((await readdir(folder)).sort(), [CURRENT_LINK, 'state-2'])
    assert.equal(await readlink(join(folder, CURRENT_LINK)), 'state-2')
  } finally {
    process.umask(umask)
    await rm(parent, { recursive: true })
  }
})

test('folder: a key that others may read is refused with its mode', async () => {
  const { parent, folder } = await temporary()
  try {
    const store = createFileStore(folder)
    await store.write(stateOf(1), undefined, SIGNAL)
    await chmod(join(folder, 'state-1', 'signer.key'), 0o640)
    await assert.rejects(store.read(SIGNAL), { code: 'CERT_STORE_UNREADABLE', message: /mode 640/ })
  } finally {
    await rm(parent, { recursive: true })
  }
})

test('folder: a key that the group of a volume may read is ours; one that everybody may read is not', async () => {
  const { parent, folder } = await temporary()
  try {
    await createFileStore(folder).write(stateOf(1), undefined, SIGNAL)
    const store = createFileStore(folder)
    // What the kubelet does to a volume with fsGroup.
    await chmod(join(folder, 'state-1'), 0o2770)
    for (const mode of [0o640, 0o440, 0o660]) {
      await chmod(join(folder, 'state-1', 'signer.key'), mode)
      assert.equal((await store.read(SIGNAL)).holds, 'state')
    }
    await chmod(join(folder, 'state-1', 'signer.key'), 0o444)
    await assert.rejects(store.read(SIGNAL), { code: 'CERT_STORE_UNREADABLE', message: /mode 444/ })
  } finally {
    await rm(parent, { recursive: true })
  }
})

test('folder: a crash before the link was switched loses nothing', async () => {
  const { parent, folder } = await temporary()
  try {
    const store = createFileStore(folder)
    await store.write(stateOf(1), undefined, SIGNAL)
    await rm(join(folder, CURRENT_LINK))
    assert.equal((await store.read(SIGNAL)).holds, 'state')
    await store.write(stateOf(2), '1', SIGNAL)
    assert.match(await readFile(join(folder, CURRENT_LINK, 'generation'), 'utf8'), /^2$/)
  } finally {
    await rm(parent, { recursive: true })
  }
})

test('folder: a place that cannot be a folder is an error by code', async () => {
  const { parent, folder } = await temporary()
  try {
    await writeFile(folder, 'a file')
    const store = createFileStore(folder)
    await assert.rejects(store.write(stateOf(1), undefined, SIGNAL), { code: 'CERT_STORE_UNREADABLE' })
  } finally {
    await rm(parent, { recursive: true })
  }
})

test('folder: many processes that start at once agree on one authority', async () => {
  const { parent, folder } = await temporary()
  try {
    const stores = Array.from({ length: 12 }, () => createFileStore(folder))
    const won = await Promise.all(stores.map((store) => store.write(stateOf(1), undefined, SIGNAL)))
    assert.equal(won.filter(Boolean).length, 1)
    assert.deepEqual((await readdir(folder)).sort(), [CURRENT_LINK, 'state-1'])
  } finally {
    await rm(parent, { recursive: true })
  }
})
