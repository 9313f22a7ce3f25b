import * as z from 'zod';
import { must, text } from '../schema/values.ts';

// Keys that several kinds have, with one wording each.

/** Rendered for every host, and so settled outside of the kinds. */
export const server = text.optional().describe("The node's name in the backend; {{ inventory_hostname }} by default.");

export const via = text.optional().describe('Reach the balancer through the SSH connection of this inventory host.');

export const port = z
  .number(must('a port from 1 to 65535'))
  .int(must('a port from 1 to 65535'))
  .min(1, must('a port from 1 to 65535'))
  .max(65_535, must('a port from 1 to 65535'))
  .optional()
  .describe('Port of the hosts that the balancer sends to: it must answer before a node is let in.');

const url = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' });

export const urls = z
  .union([url, z.array(url).min(1, must('at least one URL'))], must('a URL, or a list of them'))
  .transform((value) => [value].flat());
