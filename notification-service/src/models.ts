import type { Sequelize } from 'sequelize'
import { defineCustomers } from './customers/customer.model.ts'
import { defineNotifications } from './notifications/notification.model.ts'
import { defineDeliveryReports } from './reports/delivery-report.model.ts'

/** The models of the schema `notifications`. */
export const defineModels = (sequelize: Sequelize) => ({
  customers: defineCustomers(sequelize),
  notifications: defineNotifications(sequelize),
  deliveryReports: defineDeliveryReports(sequelize),
})
