import { newId } from '@clientele/platform/data/db'
import { currentLog } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import type { Request } from 'express'
import type { StorageEngine } from 'multer'
import { incomingKey } from '../media/media-keys.ts'
import type { Store } from '../storage/store.ts'
import { type Inspected, inspect } from './inspect.ts'

/** An uploaded file in the staging area, as it was sent. */
export type IncomingFile = Inspected & { id: string; key: string }

type Done = (error?: unknown, info?: Partial<Express.Multer.File> & IncomingFile) => void

/** A storage engine of multer that streams a file from the connection into the store and inspects it on the way. */
export const createStorageEngine = (store: Store): StorageEngine => {
  const remove = (key: string): Promise<void> =>
    store
      .remove(key)
      .catch((err: unknown) => currentLog().warn({ err }, 'incoming file could not be removed: left to the cleanup'))

  const receive = async (req: Request, file: Express.Multer.File): Promise<IncomingFile> => {
    const id = newId()
    const key = incomingKey(id)
    const ended = new AbortController()
    const end = (problem: Problem) => {
      ended.abort(problem)
      // A reader that waits for the next bytes must fail too.
      file.stream.destroy(problem)
    }
    // The client has disconnected, or an error response was sent already.
    const onClose = () => end(new Problem('malformed', { detail: 'the upload ended early' }))
    req.res?.once('close', onClose)
    file.stream.once('limit', () => end(new Problem('too_large')))
    let inspected: Inspected | undefined
    const chunks = file.stream.iterator({ destroyOnReturn: false })
    const source = inspect(chunks, (result) => (inspected = result))
    try {
      await store.write(key, source, { contentType: 'application/octet-stream', signal: ended.signal })
      if (!inspected) throw new Error('the store read less than was sent')
      return { id, key, ...inspected }
    } catch (error) {
      file.stream.resume()
      await remove(key)
      throw ended.signal.aborted ? ended.signal.reason : error
    } finally {
      req.res?.off('close', onClose)
    }
  }

  return {
    _handleFile: (req, file, done: Done) => {
      receive(req, file).then(
        (info) => done(null, info),
        (error) => done(error),
      )
    },
    _removeFile: (_req, file, done) => {
      void remove((file as Express.Multer.File & IncomingFile).key).then(() => done(null))
    },
  }
}
