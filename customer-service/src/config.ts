import { maxBatchItems } from '@clientele/contracts/batch'
import { type PublicSettings, requirableFields } from '@clientele/contracts/installation'
import { exportConfig } from '@clientele/features/exports/export.config'
import { importConfig } from '@clientele/features/imports/import.config'
import { photoConfig } from '@clientele/features/photos/photo.config'
import { revocationConfig } from '@clientele/platform/auth/revocation-config'
import { databaseConfig } from '@clientele/platform/data/database-config'
import { maxLimit } from '@clientele/platform/lists/list'
import { commaList, loadConfig, serviceConfig, shopTimeZone } from '@clientele/platform/runtime/config'
import { getCountries, isSupportedCountry } from 'libphonenumber-js'
import { z } from 'zod'

export type RequirableField = (typeof requirableFields)[number]

export const configShape = {
  ...serviceConfig,
  ...revocationConfig,
  ...databaseConfig,
  ...photoConfig,
  ...importConfig,
  ...exportConfig,
  customerRequiredFields: commaList.pipe(z.array(z.enum(requirableFields))).default(['name', 'surname']),
  /** The country of telephone numbers that are given without `+` and country code. */
  defaultCountry: z
    .string()
    .refine(isSupportedCountry, `must be one of the ${getCountries().length} ISO 3166-1 alpha-2 codes, such as KE`)
    .optional(),
  shopTimeZone,
}
export type CustomerConfig = z.infer<z.ZodObject<typeof configShape>>

/** The settings that everybody may know. */
export const publicSettings = (config: CustomerConfig): PublicSettings => ({
  shop: { country: config.defaultCountry ?? null },
  customers: { requiredFields: config.customerRequiredFields },
  limits: { pageSize: maxLimit, batchItems: maxBatchItems, importBytes: config.importMaxBytes },
})

export const config = (): CustomerConfig => loadConfig(configShape)
