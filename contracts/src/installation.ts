import { z } from 'zod'

/** The fields of a customer that an installation can require. */
export const requirableFields = ['name', 'surname', 'email', 'phone'] as const

/** What a front end has to know about an installation before anybody signs in. `limits` are those of one request. */
export const InstallationConfig = z
  .object({
    name: z.literal('Clientele'),
    version: z.string().meta({ description: 'The release', example: '0.1.0' }),
    shop: z.object({
      name: z.string().meta({ example: 'Corner Shop' }),
      locale: z.string().meta({ description: 'A BCP 47 tag', example: 'en' }),
      timeZone: z.string().meta({ description: 'A name of the IANA time zone database', example: 'Africa/Nairobi' }),
      currency: z.string().meta({ description: 'ISO 4217. The default of products and orders', example: 'KES' }),
      country: z.string().nullable().meta({
        description: 'ISO 3166-1. The country of telephone numbers without `+`. Null: they need the `+`',
        example: 'KE',
      }),
    }),
    customers: z.object({
      requiredFields: z.array(z.enum(requirableFields)).meta({ example: ['name', 'surname'] }),
    }),
    orders: z.object({
      customerRequired: z
        .boolean()
        .default(false)
        .meta({ description: 'Whether an order needs `customerId`', example: false }),
    }),
    limits: z.object({
      pageSize: z.int().min(1).meta({ description: 'Rows of a page', example: 200 }),
      batchItems: z.int().min(1).meta({ description: 'Items of a batch', example: 500 }),
      bodyBytes: z.int().min(1).meta({
        description: 'Bytes of a JSON body. Most operations allow less: `x-max-body-bytes`',
        example: 1_000_000,
      }),
      uploadBytes: z.int().min(1).meta({ description: 'Bytes of a photo', example: 20_971_520 }),
      importBytes: z.int().min(1).meta({ description: 'Bytes of a file of customers to import', example: 500_000_000 }),
    }),
    features: z.object({
      signup: z.boolean().meta({ description: 'Whether `POST /v1/auth/signup` is on', example: true }),
      passwordLogin: z.boolean().meta({ description: 'Whether `POST /v1/auth/login` is on', example: true }),
      mail: z.boolean().meta({ description: 'Whether mails are sent: password resets, invitations', example: true }),
      docs: z.boolean().meta({ description: 'Whether `/docs` and `/openapi.json` are served', example: true }),
    }),
  })
  .meta({ id: 'InstallationConfig' })
export type InstallationConfig = z.infer<typeof InstallationConfig>

/** The part of {@link InstallationConfig} that one service knows. Of limits that several services have, the lowest counts. */
export type PublicSettings = {
  [Key in keyof InstallationConfig]?: InstallationConfig[Key] extends object
    ? Partial<InstallationConfig[Key]>
    : InstallationConfig[Key]
}
