import { receiveForm, unknownFormField } from '@clientele/features/uploads/receive-form'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { Request } from 'express'
import type { Store } from '../storage/store.ts'
import { createStorageEngine, type IncomingFile } from './storage-engine.ts'

const fileFields = ['file', 'photo', 'picture'] as const

type Options = { store: Store; maxBytes: number; idleMs: number }

/** Creates a reader of `multipart/form-data` with one image, which it stores in the staging area. @throws Problem */
export const createMultipartReader = ({ store, maxBytes, idleMs }: Options) => {
  const form = {
    storage: createStorageEngine(store),
    limits: { fileSize: maxBytes, fields: 10, fieldSize: 1_024, headerPairs: 20 },
    fileFields,
  }

  /** @throws Problem 408 if nothing arrives for `idleMs`; the response closes the connection, which ends the upload */
  const receive = async (req: Request): Promise<void> => {
    const { promise: stalled, reject } = Promise.withResolvers<never>()
    const idle = setTimeout(() => reject(new Problem('timeout', { detail: 'the upload stalled' })), idleMs)
    const onData = () => void idle.refresh()
    const received = receiveForm(req, form)
    req.on('data', onData)
    await Promise.race([received, stalled]).finally(() => {
      clearTimeout(idle)
      req.off('data', onData)
    })
  }

  return async (req: Request): Promise<IncomingFile> => {
    await receive(req)
    const [file] = (req.files ?? []) as (Express.Multer.File & IncomingFile)[]
    const [field] = Object.keys(req.body ?? {})
    if (file && field !== undefined) await store.remove(file.key)
    if (field !== undefined) throw unknownFormField(field, 'send the image in the field `file`')
    if (!file) throw fieldProblem('/file', 'required', 'is required: send an image')
    const { id, key, mimeType, bytes, sha256 } = file
    return { id, key, mimeType, bytes, sha256 }
  }
}
