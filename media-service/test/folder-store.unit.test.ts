import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStore } from '../src/storage/create-store.ts'
import { createFolderStore } from '../src/storage/folder-store.ts'
import { describeStore } from './store-behaviour.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'media-store-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describeStore('folder', () => createFolderStore(folder))

describe('createStore', () => {
  it('createStore throws with the name of the missing setting', async () => {
    const none = { mediaFolder: undefined, mediaBucket: undefined, gcsEndpoint: undefined }
    await expect(createStore({ mediaStore: 'folder', ...none })).rejects.toThrow('MEDIA_FOLDER is missing')
    await expect(createStore({ mediaStore: 'gcs', ...none })).rejects.toThrow('MEDIA_BUCKET is missing')
  })

  it('ping rejects for a folder that cannot be created', async () => {
    await expect(createFolderStore('/dev/null/media').ping()).rejects.toThrow()
  })
})
