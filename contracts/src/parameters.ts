import { z } from 'zod'
import { booleanText, isTimeZone, pathKey } from './fields.ts'

/** The path parameter `{key}` of a route that finds a resource by its id. */
export const idParameter = (resource: string) => pathKey.meta({ description: `The id of the ${resource}.` })

/** The path parameter `{key}` of a route that finds a resource by its id or, with {@link idByParameter}, by another field. */
export const keyParameter = (resource: string) =>
  pathKey.meta({ description: `The id of the ${resource}, or the value of the field that \`idBy\` names.` })

/** The query parameter `idBy`. `fields` are the fields that it may name. */
export const idByParameter = <T extends z.ZodEnum>(fields: T) =>
  fields.optional().meta({ description: 'The field whose value `{key}` is. Without `idBy`, `{key}` is the id.' })

/** The query parameter `purge` of a DELETE. */
export const purgeParameter = (resource: string) =>
  booleanText.optional().meta({
    description: `\`true\` purges the ${resource}, which removes it for good, instead of moving it to the trash. Purging requires the role \`admin\`.`,
  })

const trashedParameter = (resource: string, keys: string) =>
  booleanText.optional().meta({
    description: `\`true\` finds the ${resource} also in the trash; \`deletedAt\` says since when it is there. ${keys}`,
  })

/**
 * The query of a GET by key: `idBy`, and `trashed` to find a resource in the trash too. `unique` are the fields of `idBy` that are
 * unique in the trash; with another one, `trashed=true` is invalid.
 */
export const getByKeyQuery = <T extends z.ZodEnum>(resource: string, fields: T, unique: readonly string[] = []) => {
  const keys = `It works with ${['the id', ...unique.map((field) => `\`idBy=${field}\``)].join(' and ')}.`
  return z
    .strictObject({ idBy: idByParameter(fields), trashed: trashedParameter(resource, keys) })
    .superRefine(({ idBy, trashed }, context) => {
      if (trashed === 'true' && idBy !== undefined && !unique.includes(String(idBy)))
        context.addIssue({
          code: 'custom',
          message: `cannot be used with idBy=${idBy}, of which the trash may have several`,
          path: ['trashed'],
        })
    })
}

/** The description of a restore by key. `fields` are those of `idBy` that several records in the trash may share. */
export const restoreDescription = (resource: string, fields: string): string =>
  `A ${fields} names the ${resource} in the trash that has it. If several have it, the response is 409: name one by its id.`

/** The query parameter `timeZone` of a summary. */
export const timeZoneParameter = z
  .string()
  .max(50)
  .refine(isTimeZone, 'must be a time zone such as Africa/Nairobi')
  .optional()
  .meta({
    description:
      "The time zone in which days begin, by its name in the IANA database. Default: the shop's, which `GET /v1/config` shows.",
    example: 'Africa/Nairobi',
  })

/** The query parameters of a signed link. They are part of the link, and clients never set them themselves. */
export const signedLinkParameters = {
  expires: z.string().max(12).optional().meta({ description: 'Part of a signed link.' }),
  signature: z.string().max(100).optional().meta({ description: 'Part of a signed link.' }),
}
