// Asks OpenAnalyst over its WebSocket hub, shows the progress, and prints the answer.
//
//     OPENANALYST_URL=http://127.0.0.1:8080 OPENANALYST_TOKEN=... node dist/ask.js "what can you do?"

import { randomUUID } from "node:crypto";
import WebSocket from "ws";

/** Every message, both ways. The server sets `userId` from the token, whatever stands there. */
interface Envelope {
  type: string;
  userId: string;
  sessionId: string;
  payload: Record<string, any>;
  timestamp: number;
  messageId: string;
  correlationId?: string;
}

const content = process.argv[2];
const token = process.env.OPENANALYST_TOKEN;
if (content === undefined || token === undefined) {
  console.error('usage: OPENANALYST_TOKEN=... node dist/ask.js "what can you do?"');
  process.exit(2);
}
const base = new URL(process.env.OPENANALYST_URL ?? "http://127.0.0.1:8080");
base.protocol = base.protocol.replace("http", "ws");
const sessionId = `ask-${process.pid}`;

// As a browser does it, where no header can be set: the token is a subprotocol, and never part of the URL.
const socket = new WebSocket(new URL("/v1/ws", base), ["openanalyst.v1", `bearer.${token}`]);

function send(type: string, payload: Record<string, unknown>): void {
  const message: Envelope = { type, userId: "", sessionId, payload, timestamp: Date.now(), messageId: randomUUID() };
  socket.send(JSON.stringify(message));
}

function end(status: number): void {
  process.exitCode = status;
  socket.close();
}

socket.on("open", () => send("USER_REQUEST", { content }));
socket.on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
socket.on("message", (data) => {
  const { type, payload }: Envelope = JSON.parse(data.toString());
  switch (type) {
    case "TASK_PROGRESS":
      console.error(`${payload.step ?? "-"}/${payload.steps ?? "-"} ${payload.title ?? ""} ${payload.message ?? ""}`.trim());
      break;
    case "ASSISTANT_RESPONSE":
      // Parts of a streamed answer come first, and the whole of it at the end.
      if (payload.done) {
        console.log(payload.content);
        for (const question of payload.questions ?? []) {
          console.error(`${question.text} ${question.options.join(" / ")}`);
        }
      }
      break;
    case "TASK_COMPLETE":
      end(payload.status === "completed" ? 0 : 1);
      break;
    case "TASK_ERROR":
      console.error(`${payload.code}: ${payload.message}`);
      end(1);
      break;
  }
});
