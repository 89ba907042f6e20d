import type { PublicSettings } from '@clientele/contracts/installation'
import { exportConfig } from '@clientele/features/exports/export.config'
import { importConfig } from '@clientele/features/imports/import.config'
import { photoConfig } from '@clientele/features/photos/photo.config'
import { revocationConfig } from '@clientele/platform/auth/revocation-config'
import { databaseConfig } from '@clientele/platform/data/database-config'
import { flag, httpUrl, loadConfig, serviceConfig, shopTimeZone } from '@clientele/platform/runtime/config'
import { z } from 'zod'
import { currencyMessage, isCurrency } from './money.ts'

export const configShape = {
  ...serviceConfig,
  ...revocationConfig,
  ...databaseConfig,
  ...photoConfig,
  ...importConfig,
  ...exportConfig,
  /** Customers are read from there while their events have not arrived yet. */
  customerServiceUrl: httpUrl,
  /** Its internal port, from which the projection of customers is compared with it. */
  customerServiceInternalUrl: httpUrl,
  /** The default currency of products and orders. */
  shopCurrency: z.string().refine(isCurrency, currencyMessage).default('EUR'),
  /** Whether an order without a customer is refused. */
  orderRequiresCustomer: flag.default(false),
  shopTimeZone,
}
export type OrderConfig = z.infer<z.ZodObject<typeof configShape>>

/** The settings that everybody may know. */
export const publicSettings = (
  config: Pick<OrderConfig, 'shopCurrency' | 'orderRequiresCustomer'>,
): PublicSettings => ({
  shop: { currency: config.shopCurrency },
  orders: { customerRequired: config.orderRequiresCustomer },
})

/** @throws ConfigError that lists every invalid setting */
export const config = (): OrderConfig => loadConfig(configShape)
