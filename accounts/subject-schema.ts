import { z } from "zod";
import { subjectProblem } from "../core/names.ts";

/** A subject, with or without wildcards. */
export const subject = z.string().superRefine((text, context) => refuse(subjectProblem(text), context));

/** A subject of a permission: a queue group may stand behind it, after one blank. */
export const permissionSubject = z.string().superRefine((text, context) => {
  const parts = text.split(" ");
  const problem =
    parts.length > 2 ? `"${text}" has more than a subject and a queue group` : parts.map((part) => subjectProblem(part)).find(Boolean);
  refuse(problem, context);
});

function refuse(problem: string | undefined, context: z.core.$RefinementCtx): void {
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem, params: { code: "ERR_SUBJECT" } });
}
