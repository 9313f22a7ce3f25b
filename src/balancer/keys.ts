import * as z from 'zod';
import { must, text } from '../schema/values.ts';

// Keys that several kinds have, with one wording each.

/** Rendered for every host, and so settled outside of the kinds. */
export const server = text.optional().describe("The node's name in the backend; {{ inventory_hostname }} by default.");

export const via = text.optional().describe('Reach the balancer through the SSH connection of this inventory host.');

const url = z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' });

export const urls = z
  .union([url, z.array(url).min(1, must('at least one URL'))], must('a URL, or a list of them'))
  .transform((value) => [value].flat());
