import { createHash, type Hash } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { Storage } from '@google-cloud/storage'
import { multipart, multipartHeaders, openTransfer } from './gcs-transfer.ts'
import { type Store, type StoredObject, validateKey } from './store.ts'

async function* hashing(source: AsyncIterable<Uint8Array>, hash: Hash) {
  for await (const chunk of source) {
    hash.update(chunk)
    yield chunk
  }
}

type ListQuery = { prefix: string; autoPaginate: false; maxResults: number; pageToken?: string }

/** Stores objects in a Google Cloud Storage bucket. Credentials come from the environment (Workload Identity). */
export const createGcsStore = ({
  bucket: name,
  endpoint,
}: {
  bucket: string
  endpoint?: string | undefined
}): Store => {
  const storage = new Storage({
    retryOptions: { maxRetries: 3, totalTimeout: 30 },
    timeout: 30_000,
    // An emulator has no credentials, and the client would fail without them.
    ...(endpoint !== undefined && { apiEndpoint: endpoint, useAuthWithCustomEndpoint: false, projectId: 'local' }),
  })
  const bucket = storage.bucket(name)
  const file = (key: string) => bucket.file(validateKey(key))
  const authorization = async (): Promise<Record<string, string>> =>
    endpoint === undefined ? Object.fromEntries(await storage.authClient.getRequestHeaders()) : {}

  return {
    write: async (key, source, { contentType, signal, replace = false }) => {
      const query = new URLSearchParams({ uploadType: 'multipart', name: validateKey(key) })
      if (!replace) query.set('ifGenerationMatch', '0')
      const url = `${storage.apiEndpoint}/upload/storage/v1/b/${name}/o?${query}`
      const metadata = { contentType, cacheControl: 'private, max-age=86400, immutable' }
      const md5 = createHash('md5')
      const upload = openTransfer('POST', url, { ...(await authorization()), ...multipartHeaders })
      await pipeline(multipart(metadata, hashing(source, md5)), upload.request, { signal })
      const response = await upload.response
      const body = await text(response)
      if (response.statusCode !== 200) throw new Error(`the bucket responded to an upload with ${response.statusCode}`)
      if ((JSON.parse(body) as { md5Hash?: string }).md5Hash === md5.digest('base64')) return
      await file(key).delete({ ignoreNotFound: true })
      throw new Error('the checksum of the uploaded object differs from what was sent')
    },
    read: async (key, range) => {
      const url = `${storage.apiEndpoint}/storage/v1/b/${name}/o/${encodeURIComponent(validateKey(key))}?alt=media`
      const headers = range && { range: `bytes=${range.start}-${range.end}` }
      const download = openTransfer('GET', url, { ...(await authorization()), ...headers })
      download.request.end()
      const response = await download.response
      if (response.statusCode === (range ? 206 : 200)) return response
      response.destroy()
      if (response.statusCode === 404) return undefined
      throw new Error(`the bucket responded to a download with ${response.statusCode}`)
    },
    remove: async (key) => void (await file(key).delete({ ignoreNotFound: true })),
    list: async function* (prefix): AsyncGenerator<StoredObject> {
      const first = prefix === '' ? '' : `${validateKey(prefix)}/`
      let query: ListQuery | null = { prefix: first, autoPaginate: false, maxResults: 500 }
      while (query) {
        const [files, next] = await bucket.getFiles(query)
        for (const { name: key, metadata } of files) yield { key, modifiedAt: Date.parse(metadata.updated ?? '') }
        query = next as ListQuery | null
      }
    },
    ping: async () => {
      await bucket.getFiles({ maxResults: 1, autoPaginate: false })
    },
    signedUrl: async (key, { ttlSeconds, disposition, contentType }) => {
      const [url] = await file(key).getSignedUrl({
        version: 'v4',
        action: 'read',
        expires: Date.now() + ttlSeconds * 1000,
        responseDisposition: disposition,
        responseType: contentType,
      })
      return url
    },
  }
}
