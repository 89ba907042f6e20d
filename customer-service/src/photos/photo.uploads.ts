import type { IncomingMessage } from 'node:http'
import { CustomerPhoto, type NewCustomer } from '@clientele/contracts/customer'
import type { Actor } from '@clientele/platform/auth'
import type { Upload } from '@clientele/platform/operation'
import { fieldProblem, Problem, validationProblem } from '@clientele/platform/problem'
import type { Request } from 'express'
import { z } from 'zod'
import type { Inputs } from '../customers/customer.input.ts'
import type { MediaClient } from './media.client.ts'
import { bodyOfForm } from './photo.fields.ts'
import { readForm, takeBack, untilGone } from './photo.form.ts'

/** A body that came with a file: `uploaded` is the medium it became, to be taken back where the request fails. */
type Uploaded<T> = { input: T; uploaded: string | undefined }

const binary = z.string().meta({ format: 'binary', description: 'JPEG, PNG, WebP, AVIF or GIF' })

/** A form of a customer's fields and a photo. */
export const customerForm = (media: MediaClient, inputs: Inputs): Upload<Uploaded<NewCustomer>> => {
  const check = (fields: Record<string, unknown>, mediaId: string | undefined): NewCustomer => {
    const { body, errors } = bodyOfForm(fields)
    const result = inputs.NewCustomer.safeParse(body, { reportInput: true })
    const problem = result.success ? undefined : validationProblem(result.error)
    const all = [...errors, ...(problem?.options.errors ?? [])]
    if (mediaId !== undefined && body['photoMediaId'] !== undefined)
      all.push({ pointer: '/photoMediaId', code: 'conflict', message: 'must be absent where a photo is sent' })
    if (!result.success || all.length > 0)
      throw new Problem('validation', { detail: `${all.length} fields are not valid`, errors: all })
    return { ...result.data, ...(mediaId !== undefined && { photoMediaId: mediaId }) }
  }
  const { metadata, address, ...plain } = inputs.NewCustomer.shape
  const schema = z
    .strictObject({
      ...plain,
      tags: z
        .union([z.string(), z.array(z.string())])
        .optional()
        .meta({ description: 'repeated, or between commas' }),
      address: z.string().optional().meta({ description: 'JSON' }),
      metadata: z.string().optional().meta({ description: 'JSON' }),
      photo: binary.optional(),
      picture: binary.optional().meta({ description: 'another name of photo' }),
    })
    .meta({ id: 'NewCustomerForm' })
  return {
    schema,
    parse: async (req, actor) => {
      const { fields, mediaId } = await readForm(req, actor, media)
      return keeping(req, media, mediaId, actor, async () => ({ input: check(fields, mediaId), uploaded: mediaId }))
    },
  }
}

/** A photo alone, as a form or as it is. */
export const photoUploads = (
  media: MediaClient,
): Record<'multipart/form-data' | 'image/*', Upload<Uploaded<CustomerPhoto>>> => {
  const result = (mediaId: string) => ({ input: CustomerPhoto.parse({ mediaId }), uploaded: mediaId })
  const readPhoto = async (req: Request, actor: Actor) => {
    const { fields, mediaId } = await readForm(req, actor, media)
    return keeping(req, media, mediaId, actor, async () => {
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
        return result(await media.store({ stream: req, filename: 'photo', mimeType }, actor, untilGone(req)))
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
