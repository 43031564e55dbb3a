/**
 * A page that opens documents through an edge. Whoever follows a link to it, with the link's secret behind "#", chooses the
 * encrypted file and saves what was in it. All of it happens in the SDK's Worker; neither edge nor server see the
 * document or its key.
 */

import { connect } from "@recrypt-service/sdk";

const [message, file, saved] = ["message", "file", "saved"].map((id) => document.getElementById(id)) as [HTMLElement, HTMLInputElement, HTMLAnchorElement];
const { server, edge } = document.documentElement.dataset as { server: string; edge: string };

async function open(encrypted: Blob): Promise<void> {
  const service = await connect({ server, edge });
  const session = await service.openLink(`${server}/l${location.hash}`);
  const { content, info } = await session.decrypt(encrypted, session.link && { from: session.link.owner });
  saved.href = URL.createObjectURL(content);
  saved.download = "document";
  message.textContent = `opened ${info.bytes} bytes by ${info.author}`;
  service.close();
}

file.addEventListener("change", () => {
  const chosen = file.files?.[0];
  message.textContent = "opening …";
  if (chosen) open(chosen).catch((e: unknown) => (message.textContent = e instanceof Error ? e.message : "that went wrong"));
});
