'use strict'

const { Policy, PolicyError } = require('./lib/policy.cjs')

module.exports.Policy = Policy
module.exports.PolicyError = PolicyError
