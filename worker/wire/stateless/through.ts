import { pipeSocket } from '../pipe.ts';
import { upgradeResponse } from '../upgrade-response.ts';

/**
 * Puts this Worker between a client and the hibernating WebSocket that an object answered with; any other answer is returned as it is.
 *
 * Needed where the runtime itself holds the client's TCP connection (workerd on its own machine): the runtime joins the two ends by
 * itself and waits for a second frame after the first one of the client. If that first one answers a close of the object, it waits for
 * ever, and so does the client. A socket that the Worker has accepted is closed to its end.
 *
 * @param compression as in the settings of the object's connections.
 */
export function through(answer: Response, compression = true): Response {
  if (!answer.webSocket) return answer;
  const { 0: client, 1: socket } = new WebSocketPair();
  socket.accept();
  answer.webSocket.accept();
  pipeSocket(socket, { inner: answer.webSocket });
  return upgradeResponse(client, { compression });
}
