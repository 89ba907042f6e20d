import type { IncomingMessage } from 'node:http'
import type { ProblemError } from '@clientele/contracts/problem'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Upload } from '@clientele/platform/http/route-definition'
import { fieldProblem, Problem, validationProblem } from '@clientele/platform/runtime/problem'
import type { Request } from 'express'
import { z } from 'zod'
import type { MediaClient } from './media.client.ts'
import { abortOnDisconnect, discardUpload, type PhotoTarget, readPhotoForm } from './photo-form.ts'

/** A body that may have had a file. `uploaded` is the media id of the file, which must be discarded if the request fails. */
export type Uploaded<T> = { input: T; uploaded: string | undefined }

/** Converts form fields to the JSON body, and returns errors for those that cannot be read. */
export type FormReader = (fields: Record<string, unknown>) => { body: Record<string, unknown>; errors: ProblemError[] }

const binary = z.string().meta({ format: 'binary', description: 'A JPEG, PNG, WebP, AVIF or GIF image.' })

/** The file fields of a form's schema. */
export const photoFields = {
  photo: binary.optional(),
  picture: binary.optional().meta({ description: 'The old name of `photo`.' }),
}

type FormOptions<T> = {
  target: PhotoTarget
  /** The schema of the JSON body. The file sets its `photoMediaId`. */
  body: z.ZodType<T>
  /** The schema of the form in OpenAPI. */
  schema: z.ZodType
  read: FormReader
}

/** Creates the parser of a form with the fields of a resource and a photo. It throws Problem 422 with all invalid fields. */
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
      all.push({ pointer: '/photoMediaId', code: 'conflict', message: 'must be absent if a photo is sent' })
    if (!result.success || all.length > 0)
      throw new Problem('validation', { detail: `${all.length} fields are not valid`, errors: all })
    return { ...result.data, ...(mediaId !== undefined && { photoMediaId: mediaId }) }
  }
  return {
    schema,
    parse: async (req, actor) => {
      const { fields, mediaId } = await readPhotoForm(req, actor, target)
      return discardOnFailure(req, target.media, mediaId, actor, async () => ({
        input: check(fields, mediaId),
        uploaded: mediaId,
      }))
    },
  }
}

/** Creates the parsers of a photo without other fields, as a form or as the bare body. */
export const photoUploads = (
  target: PhotoTarget,
): Record<'multipart/form-data' | 'image/*', Upload<Uploaded<{ mediaId: string }>>> => {
  const result = (mediaId: string) => ({ input: { mediaId }, uploaded: mediaId })
  const readPhoto = async (req: Request, actor: Actor) => {
    const { fields, mediaId } = await readPhotoForm(req, actor, target)
    return discardOnFailure(req, target.media, mediaId, actor, async () => {
      const [unknown] = Object.keys(fields)
      if (unknown !== undefined) throw fieldProblem(`/${unknown}`, 'unknown_field', 'is not a field of this form')
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
        return result(
          await target.media.store({ stream: req, filename: 'photo', mimeType }, actor, abortOnDisconnect(req)),
        )
      },
    },
  }
}

/** Runs `work`. After a Problem below 500 it discards the uploaded image; after an internal error the change may have been made. */
export const discardOnFailure = <T>(
  req: IncomingMessage,
  media: MediaClient,
  mediaId: string | undefined,
  actor: Actor,
  work: () => Promise<T>,
): Promise<T> =>
  work().catch(async (error: unknown) => {
    if (error instanceof Problem && error.status < 500) await discardUpload(req, media, mediaId, actor)
    throw error
  })
