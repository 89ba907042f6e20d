import type { IncomingMessage } from 'node:http'
import type { ProblemError } from '@clientele/contracts/problem'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Upload } from '@clientele/platform/http/route-definition'
import { fieldProblem, Problem, validationProblem } from '@clientele/platform/runtime/problem'
import type { Request } from 'express'
import { z } from 'zod'
import type { MediaClient } from './media.client.ts'
import { type PhotoTarget, readForm, takeBack, untilGone } from './photo-form.ts'

/** A body that came with a file: `uploaded` is the medium it became, to be taken back where the request fails. */
export type Uploaded<T> = { input: T; uploaded: string | undefined }

/** A form's fields as the JSON body that they stand for, and the faults of those that cannot be read. */
export type FormReader = (fields: Record<string, unknown>) => { body: Record<string, unknown>; errors: ProblemError[] }

const binary = z.string().meta({ format: 'binary', description: 'JPEG, PNG, WebP, AVIF or GIF' })

/** The file of a form in its document. */
export const photoFields = {
  photo: binary.optional(),
  picture: binary.optional().meta({ description: 'another name of photo' }),
}

type FormOptions<T> = {
  target: PhotoTarget
  /** What the body must be, whose `photoMediaId` the file becomes. */
  body: z.ZodType<T>
  /** The form as the document shows it. */
  schema: z.ZodType
  read: FormReader
}

/** A form of a resource's fields and a photo. @throws Problem 422 with every wrong field */
export const formWithPhoto = <T extends { photoMediaId?: string | null | undefined }>({
  target,
  body: bodySchema,
  schema,
  read,
}: FormOptions<T>): Upload<Uploaded<T>> => {
  const check = (fields: Record<string, unknown>, mediaId: string | undefined): T => {
    const { body, errors } = read(fields)
    const result = bodySchema.safeParse(body, { reportInput: true })
    const problem = result.success ? undefined : validationProblem(result.error)
    const all = [...errors, ...(problem?.options.errors ?? [])]
    if (mediaId !== undefined && body['photoMediaId'] !== undefined)
      all.push({ pointer: '/photoMediaId', code: 'conflict', message: 'must be absent where a photo is sent' })
    if (!result.success || all.length > 0)
      throw new Problem('validation', { detail: `${all.length} fields are not valid`, errors: all })
    return { ...result.data, ...(mediaId !== undefined && { photoMediaId: mediaId }) }
  }
  return {
    schema,
    parse: async (req, actor) => {
      const { fields, mediaId } = await readForm(req, actor, target)
      return keeping(req, target.media, mediaId, actor, async () => ({
        input: check(fields, mediaId),
        uploaded: mediaId,
      }))
    },
  }
}

/** A photo alone, as a form or as it is. */
export const photoUploads = (
  target: PhotoTarget,
): Record<'multipart/form-data' | 'image/*', Upload<Uploaded<{ mediaId: string }>>> => {
  const result = (mediaId: string) => ({ input: { mediaId }, uploaded: mediaId })
  const readPhoto = async (req: Request, actor: Actor) => {
    const { fields, mediaId } = await readForm(req, actor, target)
    return keeping(req, target.media, mediaId, actor, async () => {
      const [unknown] = Object.keys(fields)
      if (unknown !== undefined) throw fieldProblem(`/${unknown}`, 'unknown_field', 'is not taken here')
      if (mediaId === undefined) throw fieldProblem('/photo', 'required', 'is required')
      return result(mediaId)
    })
  }
  return {
    'multipart/form-data': { schema: z.strictObject({ photo: binary }).meta({ id: 'PhotoForm' }), parse: readPhoto },
    'image/*': {
      schema: binary,
      parse: async (req, actor) => {
        const mimeType = (req.headers['content-type'] ?? '').split(';', 1)[0] ?? ''
        return result(await target.media.store({ stream: req, filename: 'photo', mimeType }, actor, untilGone(req)))
      },
    },
  }
}

/** Runs `work` and takes the uploaded medium back where it is refused; after a fault of ours the change may have been made. */
export const keeping = <T>(
  req: IncomingMessage,
  media: MediaClient,
  mediaId: string | undefined,
  actor: Actor,
  work: () => Promise<T>,
): Promise<T> =>
  work().catch(async (error: unknown) => {
    if (error instanceof Problem && error.status < 500) await takeBack(req, media, mediaId, actor)
    throw error
  })
